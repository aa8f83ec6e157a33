// The current group of one thread: the innermost of the scopes of the thread and of the flow it works for.
//
// A thread scope remembers the flow's group of the moment that it was entered. As long as that is still the flow's
// group, the thread scope is the inner one. When it is another, a flowing scope was entered inside of the thread scope,
// or the thread works for another flow (a task that it runs while it waits for it): then that is the inner one. A flow
// without a group has nothing to say.
//
// Active is worked out when something changes, so that reading it is one load.

namespace Allot;

internal sealed class ThreadGroups
{
    [ThreadStatic] private static ThreadGroups? t_own;

    // Active == (_hasScope && (_flow?.GroupSetter is null || _flow.GroupSetter == _setterAtEntry))
    //     ? _group : _flow?.Group
    private MemoryGroup? _active;
    private FlowingScope? _flow;
    private MemoryGroup? _group;
    private bool _hasScope;
    private FlowingScope? _setterAtEntry;

    /// <summary>The current group as the scopes name it, removed or not; null when nobody is charged.</summary>
    public static MemoryGroup? Active => t_own?._active;

    /// <summary>The innermost scope of the flow that this thread works for.</summary>
    public static FlowingScope? Flow => t_own?._flow;

    /// <summary>The flow of this thread has changed.</summary>
    public static void SetFlow(FlowingScope? flow)
    {
        ThreadGroups own = t_own ??= new ThreadGroups();
        own._flow = flow;
        own.Update();
    }

    public static ActiveGroupScope Enter(MemoryGroup? group)
    {
        ThreadGroups own = t_own ??= new ThreadGroups();
        var scope = new ActiveGroupScope(
            ThreadContext.Enter(AllocationRestrictions.None), own._hasScope, own._group, own._setterAtEntry);
        own._hasScope = true;
        own._group = group;
        own._setterAtEntry = own._flow?.GroupSetter;
        own._active = group;
        return scope;
    }

    public static void Leave(bool hadScope, MemoryGroup? group, FlowingScope? setterAtEntry)
    {
        ThreadGroups own = t_own!;
        own._hasScope = hadScope;
        own._group = group;
        own._setterAtEntry = setterAtEntry;
        own.Update();
    }

    private void Update()
    {
        FlowingScope? setter = _flow?.GroupSetter;
        bool isThreadInner = _hasScope && (setter is null || setter == _setterAtEntry);
        _active = isThreadInner ? _group : _flow?.Group;
    }
}
