using System.Buffers;

namespace Allot;

/// <summary>Native memory of its own that is never swapped out: locked as a whole when it is created, and charged to a
/// group as memory and as pins.</summary>
/// <remarks>All members may be used from any thread. It reads zero at first. What is forgotten is given back when it is
/// collected, which is counted as a leak: a <see cref="Memory"/> keeps this object from that, a span or a pointer does
/// not. All of them end with <see cref="Dispose"/>.</remarks>
public sealed unsafe class LockedMemory : IMemoryOwner<byte>, INativeBytes
{
    private readonly LockHolder _holder;
    private readonly MemoryCharge _memory;
    private readonly PageRange _range;
    private int _disposed;

    /// <summary>Allocates and locks.</summary>
    /// <param name="group">Who pays: for whole pages.</param>
    /// <param name="bytes">How much; 1 or more.</param>
    /// <param name="mode">When the pages are brought in.</param>
    /// <exception cref="MemoryLimitExceededException">A limit refused, or the group has ended; nothing has
    /// changed.</exception>
    /// <exception cref="MemoryLockException">The system refused to lock; nothing has changed.</exception>
    /// <exception cref="InsufficientMemoryException">The system has no memory; nothing has changed.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The amount is not positive, or larger than the largest charge, or
    /// the mode is unknown.</exception>
    public LockedMemory(MemoryGroup group, long bytes, MemoryLockMode mode = MemoryLockMode.Now)
        : this(new PinAccount(group, AccountOptions), bytes, mode)
    {
    }

    /// <summary>Allocates and locks for a worker. The lock moves with him; the memory stays charged where it was.
    /// </summary>
    /// <param name="worker">Whose group pays.</param>
    /// <param name="bytes">How much; 1 or more.</param>
    /// <param name="mode">When the pages are brought in.</param>
    /// <exception cref="MemoryLimitExceededException">A limit refused, or the group has ended; nothing has
    /// changed.</exception>
    /// <exception cref="MemoryLockException">The system refused to lock; nothing has changed.</exception>
    /// <exception cref="InsufficientMemoryException">The system has no memory; nothing has changed.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The amount is not positive, or larger than the largest charge, or
    /// the mode is unknown.</exception>
    public LockedMemory(PinWorker worker, long bytes, MemoryLockMode mode = MemoryLockMode.Now)
        : this(new PinAccount(worker, AccountOptions), bytes, mode)
    {
    }

    private LockedMemory(PinAccount account, long bytes, MemoryLockMode mode)
    {
        try
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, MemoryGroup.MaxChargeBytes);
            Bytes = bytes;
            _holder = new LockHolder(account);
            (_memory, _range) = LockedRegion.Create(_holder, PageRange.RoundUp(bytes), mode);
        }
        catch
        {
            GC.SuppressFinalize(this);
            account.Dispose();
            throw;
        }
    }

    /// <summary>Gives back what was forgotten.</summary>
    ~LockedMemory() => LetGo(isForgotten: true);

    internal static PinAccountOptions AccountOptions { get; } =
        new() { Kind = PinKind.Locked, Source = PinSource.MemoryLock, StaysListed = true };

    /// <summary>The group that pays for the lock.</summary>
    public MemoryGroup Group => _holder.Account.Group;

    /// <summary>Where it begins: at a page.</summary>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    public nint Address
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed != 0, this);
            return (nint)_range.Start;
        }
    }

    /// <summary>The bytes asked for.</summary>
    public long Bytes { get; }

    /// <summary>The bytes that are locked now: whole pages.</summary>
    public long LockedBytes => LockedPages.OfProcess.BytesOf(_holder);

    /// <summary>Unlocks a part: the pages that it touches. They keep their content.</summary>
    /// <param name="offset">Where it begins.</param>
    /// <param name="bytes">How much.</param>
    /// <exception cref="MemoryLockException">The system did not; nothing is given back.</exception>
    /// <exception cref="ArgumentOutOfRangeException">It is not inside.</exception>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    public void Unlock(long offset, long bytes)
    {
        PageRange range = RangeOf(offset, bytes);
        int error = LockedPages.OfProcess.Unlock(_holder, range);
        if (error != 0) throw MemoryLockException.OfUnlock(range, error);
    }

    /// <summary>Locks a part again: the pages that it touches.</summary>
    /// <param name="offset">Where it begins.</param>
    /// <param name="bytes">How much.</param>
    /// <param name="mode">When the pages are brought in.</param>
    /// <exception cref="MemoryLimitExceededException">A limit refused, or the group has ended; nothing has
    /// changed.</exception>
    /// <exception cref="MemoryLockException">The system refused; nothing has changed.</exception>
    /// <exception cref="ArgumentOutOfRangeException">It is not inside, or the mode is unknown.</exception>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    public void Lock(long offset, long bytes, MemoryLockMode mode = MemoryLockMode.Now)
    {
        bool onFault = LockedRegion.IsOnFault(mode);
        if (!LockedPages.OfProcess.TryLock(_holder, RangeOf(offset, bytes), onFault, out ChargeRefusal refusal))
        {
            throw new MemoryLimitExceededException(refusal);
        }
    }

    /// <summary>All of it.</summary>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    /// <exception cref="OverflowException">It is larger than a span can be.</exception>
    public Span<byte> Span => new((void*)Address, checked((int)Bytes));

    /// <summary>All of it, for who wants it as a <see cref="Memory{T}"/>: pinning that costs nothing.</summary>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    /// <exception cref="OverflowException">It is larger than that can be.</exception>
    public Memory<byte> Memory => NativeBytes.MemoryOf(this);

    /// <summary>Unlocks it and gives it back. Safe to call twice and from any thread.</summary>
    public void Dispose()
    {
        LetGo(isForgotten: false);
        GC.SuppressFinalize(this);
    }

    private void LetGo(bool isForgotten)
    {
        if (_holder is null) return;   // the constructor has thrown
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        if (isForgotten) PinLeaks.Report(_holder.Account);
        LockedRegion.Release(_holder, _memory, _range);
    }

    private PageRange RangeOf(long offset, long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, Bytes);
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, Bytes - offset);
        return PageRange.Of(Address + (nint)offset, bytes);
    }
}
