namespace Allot;

/// <summary>The scope that a lock carries, while the lock is held, and what the checks know of it. Whoever holds the
/// lock keeps one, and gives the lock back when it is left.</summary>
internal ref struct LockScope
{
    private readonly LockOrder? _notedIn;
    private ThreadScope _scope;

    /// <summary>The lock was taken.</summary>
    public LockScope(AllocationRestrictions restrictions, LockOrder order)
    {
        _scope = AllocationScope.Enter(restrictions);
        if (!AllocationChecks.IsEnabled) return;
        _notedIn = order;
        order.NoteTaken();
        ThreadReserves.PauseFastPath();   // so that the check sees every charge
    }

    /// <summary>Leaves the scope.</summary>
    /// <returns>False when a copy was left before: the lock is not this one's to give back.</returns>
    /// <exception cref="ScopeMisuseException">A scope that was entered later is still open; nothing has changed.
    /// </exception>
    public bool TryLeave()
    {
        if (!_scope.Leave()) return false;
        if (_notedIn is null) return true;
        _notedIn.NoteLeft();
        ThreadReserves.ResumeFastPath();
        return true;
    }
}
