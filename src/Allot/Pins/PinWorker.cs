// Who moves between groups. Linux moves a process: what it has locked is a property of its address space and goes
// along, limit or not; what it has pinned belongs to the file that was opened for it, and stays where that was charged.

namespace Allot;

/// <summary>Somebody who locks memory and can change his group: a tenant's worker, a plugin, a query. However many
/// threads work for him, what he has locked moves once.</summary>
/// <remarks>All members may be used from any thread.</remarks>
public sealed class PinWorker
{
    // _accounts: those of kind Locked that are not disposed. Each of them has _group.
    private readonly SteadyLock _gate = new();
    private readonly HashSet<PinAccount> _accounts = [];
    private MemoryGroup _group;

    /// <summary>Creates a worker of a group.</summary>
    public PinWorker(MemoryGroup group)
    {
        ArgumentNullException.ThrowIfNull(group);
        _group = group;
    }

    /// <summary>The group that pays for what he locks and pins from here on.</summary>
    public MemoryGroup Group
    {
        get
        {
            using (_gate.EnterScope()) return _group;
        }
    }

    /// <summary>Moves the worker, with all that his accounts have locked. What they have pinned stays where it was
    /// charged.</summary>
    /// <param name="target">The new group, which can be left above its limit by it: that is counted as a forced charge,
    /// and refuses what comes next. Of one that was removed, the heir pays.</param>
    /// <remarks>Never fails.</remarks>
    public void MoveTo(MemoryGroup target)
    {
        ArgumentNullException.ThrowIfNull(target);
        using (ReportingScope.Enter(_gate))
        {
            if (target == _group) return;
            foreach (PinAccount account in _accounts) account.MoveTo(target);
            _group = target;
        }
    }

    internal void Add(PinAccount account, out MemoryGroup group)
    {
        using (_gate.EnterScope())
        {
            _accounts.Add(account);
            group = _group;
        }
    }

    internal void Remove(PinAccount account)
    {
        using (_gate.EnterScope()) _accounts.Remove(account);
    }
}
