namespace Allot;

/// <summary>A scope of the calling thread in which a group is the current one: it holds until it is disposed.</summary>
/// <remarks>It belongs to the thread, and the compiler does not let it cross an <c>await</c>. Allocates nothing. The
/// default value guards nothing.</remarks>
public ref struct ActiveGroupScope : IDisposable
{
    private readonly MemoryGroup? _outerGroup;
    private readonly FlowingScope? _outerSetter;
    private readonly bool _hadScope;
    private readonly ulong _outer;
    private ulong _mine;

    internal ActiveGroupScope(
        (ulong Outer, ulong Mine) word, bool hadScope, MemoryGroup? outerGroup, FlowingScope? outerSetter)
    {
        (_outer, _mine) = word;
        _hadScope = hadScope;
        _outerGroup = outerGroup;
        _outerSetter = outerSetter;
    }

    /// <summary>Leaves the scope: the group before is the current one again. Safe to call twice.</summary>
    /// <exception cref="ScopeMisuseException">A scope that was entered later is still open, or this one was entered by
    /// another thread; nothing has changed.</exception>
    public void Dispose()
    {
        if (_mine == 0) return;
        if (ThreadContext.Leave(_outer, _mine)) ThreadGroups.Leave(_hadScope, _outerGroup, _outerSetter);
        _mine = 0;
    }
}
