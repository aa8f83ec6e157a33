// The current group of one thread: the innermost of the scopes of the thread and of the flow it works for.
//
// A thread scope remembers who had set the flow's group at the moment that it was entered. As long as that is still so,
// the thread scope is the inner one. When it is another, a flowing scope was entered inside of the thread scope, or the
// thread works for another flow (a task that it runs while it waits for it): then that is the inner one. A flow without
// a group has nothing to say.
//
// A process in which no flow has set a group has only the scopes of threads. In others the thread remembers what the
// flow says together with the context that it has read it from (FlowContext), and reads again when that is another.
// Which of the two is the inner one depends on both: it is worked out when the thread enters or leaves a scope, for the
// flow at that moment, and when another flow is met. Nothing of a flow is kept alive by being remembered.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Allot;

internal sealed class ThreadGroups
{
    // Once true, true for ever: so it is a word that nobody writes.
    private static bool s_flowsCharge;

    [ThreadStatic] private static ThreadGroups? t_own;

    private Entry _thread;

    // What was found in the flow, while _seen is the current one. The scope that has set its group says the group too.
    // _isThreadInner == (_thread.IsSet && (setter is null || setter == _thread.SetterAtEntry))
    private FlowContext _seen;
    private WeakGCHandle<FlowingScope?> _setter;
    private bool _isThreadInner;

    private ThreadGroups()
    {
    }

    // The thread has ended.
    ~ThreadGroups()
    {
        _seen.Free();
        _setter.Dispose();
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

    /// <summary>What is restricted by the flow that this thread works for, where that is not remembered.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static AllocationRestrictions LookUpRestrictions()
    {
        ThreadGroups own = t_own ?? Create();
        own.LookUp(out FlowingScope? flow, out _);
        return flow?.Restrictions ?? AllocationRestrictions.None;
    }

    /// <summary>Makes a group the current one.</summary>
    /// <returns>What to restore.</returns>
    public static Entry Enter(MemoryGroup? group)
    {
        ThreadGroups own = t_own ?? Create();
        Entry outer = own._thread;
        FlowingScope? setter = Volatile.Read(ref s_flowsCharge) ? own.FindSetter() : null;
        own._thread = new Entry(IsSet: true, group, setter);
        own._isThreadInner = true;
        return outer;
    }

    public static void Restore(in Entry outer)
    {
        ThreadGroups own = t_own!;
        own._thread = outer;
        own.NoteSetter(Volatile.Read(ref s_flowsCharge) ? own.FindSetter() : null);
    }

    // Not inlined: see ThreadContext.RestrictionsInFlow.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static MemoryGroup? ActiveInFlow()
    {
        ThreadGroups own = t_own ?? Create();
        FlowingScope? setter = own.FindSetter();
        return own._isThreadInner ? own._thread.Group : setter?.OwnGroup;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static ThreadGroups Create() => t_own = new ThreadGroups();

    /// <summary>Brings what is remembered up to date.</summary>
    /// <returns>The scope that has set the group of the flow; null when none has.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private FlowingScope? FindSetter()
    {
        FlowingScope? setter;
        if (_seen.IsCurrent)
        {
            _setter.TryGetTarget(out setter);
        }
        else
        {
            LookUp(out _, out setter);
        }

        return setter;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void LookUp(out FlowingScope? flow, out FlowingScope? setter)
    {
        flow = FlowingScope.Innermost;
        setter = flow?.GroupSetter;
        if (!_seen.IsAllocated)
        {
            _setter = new WeakGCHandle<FlowingScope?>(null);
            _seen = FlowContext.Allocate();
        }

        _setter.TryGetTarget(out FlowingScope? before);
        if (before != setter) _setter.SetTarget(setter);
        ThreadContext.RememberFlow(_seen, flow?.Restrictions ?? AllocationRestrictions.None);
        NoteSetter(setter);
        _seen.Remember();
    }

    private void NoteSetter(FlowingScope? setter) =>
        _isThreadInner = _thread.IsSet && (setter is null || setter == _thread.SetterAtEntry);

    /// <summary>The innermost scope of the thread that has set the group; the default when there is none.</summary>
    internal readonly record struct Entry(bool IsSet, MemoryGroup? Group, FlowingScope? SetterAtEntry);
}
