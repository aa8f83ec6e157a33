namespace Allot;

/// <summary>Locks memory that somebody else has allocated, so that it is never swapped out, and has a group pay for it.
/// </summary>
/// <remarks>
/// <para>The system locks whole pages. What one locker locks twice it has locked once, and one <see cref="Unlock"/>
/// ends it, in parts if need be. A page that several lockers hold stays locked until the last of them lets go; the
/// first of them pays for it, and passes it on, limit or not.</para>
/// <para>All members may be used from any thread. Unlock memory before it is given back to the system. A locker that is
/// forgotten unlocks when it is collected, which is counted as a leak.</para>
/// </remarks>
public sealed class MemoryLocker : IDisposable
{
    private readonly LockHolder _holder;
    private volatile bool _disposed;

    /// <summary>Creates a locker that has locked nothing.</summary>
    public MemoryLocker(MemoryGroup group)
        : this(new PinAccount(group, LockedMemory.AccountOptions))
    {
    }

    /// <summary>Creates the locker of a worker, whose locks move with him.</summary>
    public MemoryLocker(PinWorker worker)
        : this(new PinAccount(worker, LockedMemory.AccountOptions))
    {
    }

    private MemoryLocker(PinAccount account) => _holder = new LockHolder(account);

    /// <summary>Unlocks what was forgotten.</summary>
    ~MemoryLocker()
    {
        if (_holder is null) return;   // the constructor has thrown
        PinLeaks.Report(_holder.Account);
        LetGo();
    }

    /// <summary>The group that pays.</summary>
    public MemoryGroup Group => _holder.Account.Group;

    /// <summary>The bytes that are locked by this locker, also where another one pays for them.</summary>
    public long LockedBytes => LockedPages.OfProcess.BytesOf(_holder);

    /// <summary>The bytes that this locker pays for.</summary>
    public long ChargedBytes => _holder.Account.Bytes;

    /// <summary>Locks the pages that a range touches. What is locked already is free.</summary>
    /// <param name="address">Where it begins.</param>
    /// <param name="bytes">How much; 0 does nothing.</param>
    /// <param name="mode">When the pages are brought in.</param>
    /// <exception cref="MemoryLimitExceededException">A limit refused, or the group has ended; nothing has
    /// changed.</exception>
    /// <exception cref="MemoryLockException">The system refused: a part is not mapped, or its own limit; nothing has
    /// changed.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative, the end is beyond the address space, or
    /// the mode is unknown.</exception>
    /// <exception cref="ObjectDisposedException">The locker is disposed.</exception>
    public void Lock(nint address, long bytes, MemoryLockMode mode = MemoryLockMode.Now)
    {
        if (!TryLock(address, bytes, mode, out ChargeRefusal refusal)) throw new MemoryLimitExceededException(refusal);
    }

    /// <summary>Locks the pages that a range touches. What is locked already is free.</summary>
    /// <param name="address">Where it begins.</param>
    /// <param name="bytes">How much; 0 does nothing.</param>
    /// <param name="mode">When the pages are brought in.</param>
    /// <param name="refusal">When false is returned: who refused, and why. Otherwise the default value.</param>
    /// <returns>False when a limit refused, or the group has ended; nothing has changed.</returns>
    /// <exception cref="MemoryLockException">The system refused; nothing has changed.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative, the end is beyond the address space, or
    /// the mode is unknown.</exception>
    /// <exception cref="ObjectDisposedException">The locker is disposed.</exception>
    public bool TryLock(nint address, long bytes, MemoryLockMode mode, out ChargeRefusal refusal)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        bool onFault = LockedRegion.IsOnFault(mode);
        return LockedPages.OfProcess.TryLock(_holder, PageRange.Of(address, bytes), onFault, out refusal);
    }

    /// <summary>Unlocks the pages that a range touches. What this locker has not locked stays as it is.</summary>
    /// <param name="address">Where it begins.</param>
    /// <param name="bytes">How much; 0 does nothing.</param>
    /// <exception cref="MemoryLockException">The system did not unlock all of it; what it did not stays
    /// charged.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative, or the end is beyond the address
    /// space.</exception>
    public void Unlock(nint address, long bytes)
    {
        PageRange range = PageRange.Of(address, bytes);
        int error = LockedPages.OfProcess.Unlock(_holder, range);
        if (error != 0) throw MemoryLockException.OfUnlock(range, error);
    }

    /// <summary>Unlocks all that it has locked. Safe to call twice and from any thread.</summary>
    public void Dispose()
    {
        _disposed = true;
        LetGo();
        GC.SuppressFinalize(this);
    }

    // What the system does not unlock stays locked and charged.
    private void LetGo()
    {
        if (LockedPages.OfProcess.UnlockAll(_holder) == 0) _holder.Account.Dispose();
    }
}
