// Why a buffer is locked or pinned as long as it lives. It has no finalizer: who forgets the buffer has its guard give
// both back.

namespace Allot;

internal sealed class BufferHold : IDisposable
{
    private static readonly PinAccountOptions s_pinned = new() { Source = PinSource.BufferPool, LockLimit = null };

    private readonly PinAccount _account;
    private readonly LockHolder? _locks;
    private readonly PageRange _range;

    private BufferHold(MemoryGroup group, PinKind kind, PageRange range)
    {
        _account = new PinAccount(group, kind == PinKind.Locked ? LockedMemory.AccountOptions : s_pinned);
        _locks = kind == PinKind.Locked ? new LockHolder(_account) : null;
        _range = range;
    }

    /// <summary>Locks or pins memory, and has the group pay.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="kind">How.</param>
    /// <param name="memory">What.</param>
    /// <param name="refusal">When null is returned: who refused.</param>
    /// <returns>Null when a limit refused, or the group has ended; nothing has changed.</returns>
    /// <exception cref="MemoryLockException">The system did not lock; nothing has changed.</exception>
    public static BufferHold? TryTake(
        MemoryGroup group, PinKind kind, (nint Address, long Bytes) memory, out ChargeRefusal refusal)
    {
        var hold = new BufferHold(group, kind, PageRange.Of(memory.Address, memory.Bytes));
        try
        {
            bool isHeld = hold._locks is { } locks
                ? LockedPages.OfProcess.TryLock(locks, hold._range, onFault: false, out refusal)
                : hold._account.TryPin(memory.Bytes, out refusal);
            if (isHeld) return hold;
        }
        catch
        {
            hold._account.Dispose();
            throw;
        }

        hold._account.Dispose();
        return null;
    }

    /// <summary>Tells that nobody has disposed the buffer. Before this is disposed.</summary>
    public void ReportLeak() => PinLeaks.Report(_account);

    /// <summary>Gives it back, before the memory. Called once.</summary>
    public void Dispose()
    {
        // What the system does not unlock stays locked and charged.
        bool isUnlocked = _locks is null || LockedPages.OfProcess.Unlock(_locks, _range) == 0;
        if (isUnlocked) _account.Dispose();
    }
}
