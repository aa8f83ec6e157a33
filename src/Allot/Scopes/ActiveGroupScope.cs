namespace Allot;

/// <summary>A scope of the calling thread in which a group is the current one: it holds until it is disposed.</summary>
/// <remarks>It belongs to the thread, and the compiler does not let it cross an <c>await</c>. Allocates nothing. The
/// default value guards nothing.</remarks>
public ref struct ActiveGroupScope : IDisposable
{
    private readonly ThreadGroups.Entry _outerGroup;
    private readonly ulong _outer;
    private ulong _mine;

    internal ActiveGroupScope(MemoryGroup? group)
    {
        (_outer, _mine) = ThreadContext.Enter(AllocationRestrictions.None);
        _outerGroup = ThreadGroups.Enter(group);
        if (AllocationChecks.IsEnabled) OpenScopes.Note(_outer, _mine);
    }

    /// <summary>Leaves the scope: the group before is the current one again. Safe to call twice.</summary>
    /// <exception cref="ScopeMisuseException">A scope that was entered later is still open, or this one was entered by
    /// another thread; nothing has changed.</exception>
    public void Dispose()
    {
        if (_mine == 0) return;
        if (ThreadContext.Leave(_outer, _mine)) ThreadGroups.Restore(_outerGroup);
        _mine = 0;
    }
}
