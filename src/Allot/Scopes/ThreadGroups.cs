// The current group of one thread: the innermost of the scopes of the thread and of the flow it works for.
//
// A thread scope remembers who had set the flow's group at the moment that it was entered. As long as that is still so,
// the thread scope is the inner one. When it is another, a flowing scope was entered inside of the thread scope, or the
// thread works for another flow (a task that it runs while it waits for it): then that is the inner one. A flow without
// a group has nothing to say.
//
// What is current is worked out when something changes, so that reading it is one load.

using System.Runtime.CompilerServices;

namespace Allot;

internal sealed class ThreadGroups
{
    [ThreadStatic] private static ThreadGroups? t_own;

    // _active == (_thread.IsSet && (_flow?.GroupSetter is null || _flow.GroupSetter == _thread.SetterAtEntry))
    //     ? _thread.Group : _flow?.Group
    private MemoryGroup? _active;
    private FlowingScope? _flow;
    private Entry _thread;

    /// <summary>The current group as the scopes name it, removed or not; null when nobody is charged.</summary>
    public static MemoryGroup? Active
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => t_own?._active;
    }

    /// <summary>The innermost scope of the flow that this thread works for.</summary>
    public static FlowingScope? Flow => t_own?._flow;

    /// <summary>What the flow that this thread works for restricts.</summary>
    public static AllocationRestrictions FlowRestrictions => t_own?._flow?.Restrictions ?? AllocationRestrictions.None;

    /// <summary>The flow of this thread has changed.</summary>
    public static void SetFlow(FlowingScope? flow)
    {
        ThreadGroups own = t_own ??= new ThreadGroups();
        own._flow = flow;
        own.Update();
    }

    /// <summary>Makes a group the current one.</summary>
    /// <returns>What to restore.</returns>
    public static Entry Enter(MemoryGroup? group)
    {
        ThreadGroups own = t_own ??= new ThreadGroups();
        Entry outer = own._thread;
        own._thread = new Entry(IsSet: true, group, own._flow?.GroupSetter);
        own._active = group;
        return outer;
    }

    public static void Restore(in Entry outer)
    {
        ThreadGroups own = t_own!;
        own._thread = outer;
        own.Update();
    }

    private void Update()
    {
        FlowingScope? setter = _flow?.GroupSetter;
        bool isThreadInner = _thread.IsSet && (setter is null || setter == _thread.SetterAtEntry);
        _active = isThreadInner ? _thread.Group : _flow?.Group;
    }

    /// <summary>The innermost scope of the thread that has set the group; the default when there is none.</summary>
    internal readonly record struct Entry(bool IsSet, MemoryGroup? Group, FlowingScope? SetterAtEntry);
}
