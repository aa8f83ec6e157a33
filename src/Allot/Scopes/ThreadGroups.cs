// The current group of one thread: the innermost of the scopes of the thread and of the flow it works for.
//
// A thread scope remembers who had set the flow's group at the moment that it was entered. As long as that is still so,
// the thread scope is the inner one. When it is another, a flowing scope was entered inside of the thread scope, or the
// thread works for another flow (a task that it runs while it waits for it): then that is the inner one. A flow without
// a group has nothing to say.
//
// A process in which no flow has set a group has only the scopes of threads. In others the thread remembers what the
// flow says together with the context that it has read it from (FlowContext), and reads again when that is another.
// Whatever changes the scopes of the thread works that out again, because which of the two is the inner one depends on
// both. Nothing of a flow is kept alive by being remembered.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Allot;

internal sealed class ThreadGroups
{
    // Once true, true for ever: so it is a word that nobody writes.
    private static bool s_flowsCharge;

    [ThreadStatic] private static ThreadGroups? t_own;

    private Entry _thread;

    // What was found in the flow, while _seen is the current one.
    // _isThreadInner == (_thread.IsSet && (flow?.GroupSetter is null || flow.GroupSetter == _thread.SetterAtEntry))
    private FlowContext _seen;
    private WeakGCHandle<MemoryGroup?> _flowGroup;
    private bool _isThreadInner;

    private ThreadGroups()
    {
    }

    // The thread has ended.
    ~ThreadGroups()
    {
        _seen.Free();
        _flowGroup.Dispose();
    }

    /// <summary>The current group as the scopes name it, removed or not; null when nobody is charged.</summary>
    public static MemoryGroup? Active
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => s_flowsCharge ? ActiveInFlow() : t_own?._thread.Group;
    }

    /// <summary>A flow is about to set a group, for the first time perhaps.</summary>
    public static void ExpectFlowing()
    {
        if (!s_flowsCharge) s_flowsCharge = true;
    }

    /// <summary>What the flow restricts, which this thread works for since it has last looked.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static AllocationRestrictions LookUpRestrictions()
    {
        FlowingScope? flow = FlowingScope.Innermost;
        (t_own ??= new ThreadGroups()).Update(flow);
        return flow?.Restrictions ?? AllocationRestrictions.None;
    }

    /// <summary>Makes a group the current one.</summary>
    /// <returns>What to restore.</returns>
    public static Entry Enter(MemoryGroup? group)
    {
        ThreadGroups own = t_own ??= new ThreadGroups();
        Entry outer = own._thread;
        if (!Volatile.Read(ref s_flowsCharge))
        {
            own._thread = new Entry(IsSet: true, group, SetterAtEntry: null);
            own._isThreadInner = true;
            return outer;
        }

        FlowingScope? flow = FlowingScope.Innermost;
        own._thread = new Entry(IsSet: true, group, flow?.GroupSetter);
        own.Update(flow);
        return outer;
    }

    public static void Restore(in Entry outer)
    {
        ThreadGroups own = t_own!;
        own._thread = outer;
        own._isThreadInner = outer.IsSet;
        if (Volatile.Read(ref s_flowsCharge)) own.Update(FlowingScope.Innermost);
    }

    // Not inlined: see ThreadContext.RestrictionsInFlow.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static MemoryGroup? ActiveInFlow()
    {
        ThreadGroups? own = t_own;
        if (own is null || !own._seen.IsCurrent) return LookUpGroup();
        if (own._isThreadInner) return own._thread.Group;
        own._flowGroup.TryGetTarget(out MemoryGroup? group);
        return group;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static MemoryGroup? LookUpGroup()
    {
        FlowingScope? flow = FlowingScope.Innermost;
        ThreadGroups own = t_own ??= new ThreadGroups();
        own.Update(flow);
        return own._isThreadInner ? own._thread.Group : flow?.Group;
    }

    private void Update(FlowingScope? flow)
    {
        FlowingScope? setter = flow?.GroupSetter;
        _isThreadInner = _thread.IsSet && (setter is null || setter == _thread.SetterAtEntry);
        if (_seen.IsCurrent) return;
        if (!_seen.IsAllocated)
        {
            _flowGroup = new WeakGCHandle<MemoryGroup?>(null);
            _seen = FlowContext.Allocate();
        }

        MemoryGroup? group = flow?.Group;
        _flowGroup.TryGetTarget(out MemoryGroup? seenGroup);
        if (seenGroup != group) _flowGroup.SetTarget(group);
        ThreadContext.RememberFlow(_seen, flow?.Restrictions ?? AllocationRestrictions.None);
        _seen.Remember();
    }

    /// <summary>The innermost scope of the thread that has set the group; the default when there is none.</summary>
    internal readonly record struct Entry(bool IsSet, MemoryGroup? Group, FlowingScope? SetterAtEntry);
}
