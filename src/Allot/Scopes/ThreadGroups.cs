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
//
// All of this is a cell of the pinned heap, so that a thread finds it by a number: the runtime finds a thread-static
// number in half of the time of a reference, and several numbers at once. The thread keeps it alive by a reference too.

using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Allot;

internal sealed unsafe class ThreadGroups
{
    // Once true, true for ever: so it is a word that nobody writes.
    private static bool s_flowsCharge;

    // The owner of the cell that ThreadPlaces.Scopes is the address of. It lives as long as the thread.
    [ThreadStatic] private static ThreadGroups? t_own;

    private readonly Cell[] _cell = ThreadCells.Allocate<Cell>(1);

    private ThreadGroups()
    {
    }

    // The thread has ended.
    ~ThreadGroups() => _cell[0].Free();

    /// <summary>The current group as the scopes name it, removed or not; null when nobody is charged.</summary>
    public static MemoryGroup? Active
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => s_flowsCharge ? ActiveInFlow() : OfThread;
    }

    /// <summary>What the thread itself says, which is the current group where no flow has ever set one; with
    /// <see cref="ThreadPlaces.Scopes"/> in hand.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static MemoryGroup? OfThreadAt(nint scopes) => scopes == 0 ? null : CellAt(scopes).Group;

    /// <summary>The counter of its memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static MemoryCounter? MemoryOfThreadAt(nint scopes) => scopes == 0 ? null : CellAt(scopes).Memory;

    /// <summary>Whether a flow has ever set a group.</summary>
    public static bool FlowsCharge
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => s_flowsCharge;
    }

    /// <summary>The same, but null also where it takes a closer look to say.</summary>
    public static MemoryGroup? ActiveAtOnce
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => s_flowsCharge ? null : OfThread;
    }

    private static MemoryGroup? OfThread
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => OfThreadAt(ThreadPlaces.Scopes);
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
        Own().LookUp(out FlowingScope? flow, out _);
        return flow?.Restrictions ?? AllocationRestrictions.None;
    }

    /// <summary>Makes a group the current one.</summary>
    /// <returns>What to restore.</returns>
    public static Entry Enter(MemoryGroup? group)
    {
        ref Cell own = ref Own();
        Entry outer = own.Thread;
        own.Set(isSet: true, group, Volatile.Read(ref s_flowsCharge) ? own.FindSetter() : null);
        own.IsThreadInner = true;
        return outer;
    }

    public static void Restore(in Entry outer)
    {
        Debug.Assert(ThreadPlaces.Scopes != 0, "Who leaves has entered on this thread.");
        ref Cell own = ref CellAt(ThreadPlaces.Scopes);
        own.Set(outer.IsSet, outer.Group, outer.SetterAtEntry);
        own.NoteSetter(Volatile.Read(ref s_flowsCharge) ? own.FindSetter() : null);
    }

    // Not inlined: see ThreadContext.RestrictionsInFlow.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static MemoryGroup? ActiveInFlow()
    {
        ref Cell own = ref Own();
        FlowingScope? setter = own.FindSetter();
        return own.IsThreadInner ? own.Group : setter?.OwnGroup;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ref Cell Own()
    {
        nint cell = ThreadPlaces.Scopes;
        return ref CellAt(cell != 0 ? cell : Create());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ref Cell CellAt(nint address) => ref Unsafe.AsRef<Cell>((void*)address);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nint Create()
    {
        t_own = new ThreadGroups();
        return ThreadPlaces.Scopes = (nint)Unsafe.AsPointer(ref t_own._cell[0]);
    }

    private struct Cell
    {
        // What the innermost scope of the thread says that has set the group; Group is null when there is none.
        public MemoryGroup? Group;

        // Group?.Memory: blocks are charged to it, and find it here with one step less.
        public MemoryCounter? Memory;
        private FlowingScope? _setterAtEntry;
        private bool _isSet;

        // IsThreadInner == (_isSet && (setter is null || setter == _setterAtEntry))
        public bool IsThreadInner;

        // What was found in the flow, while _seen is the current one. The scope that has set its group says the group
        // too.
        private FlowContext _seen;
        private WeakGCHandle<FlowingScope?> _setter;

        public readonly Entry Thread => new(_isSet, Group, _setterAtEntry);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Set(bool isSet, MemoryGroup? group, FlowingScope? setter)
        {
            Group = group;
            Memory = group?.Memory;
            if (_setterAtEntry != setter) _setterAtEntry = setter;   // seldom: a reference is not written for nothing
            _isSet = isSet;
        }

        /// <summary>Brings what is remembered up to date.</summary>
        /// <returns>The scope that has set the group of the flow; null when none has.</returns>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public FlowingScope? FindSetter()
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
        public void LookUp(out FlowingScope? flow, out FlowingScope? setter)
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

        public void NoteSetter(FlowingScope? setter) =>
            IsThreadInner = _isSet && (setter is null || setter == _setterAtEntry);

        public void Free()
        {
            _seen.Free();
            _setter.Dispose();
        }
    }

    /// <summary>The innermost scope of the thread that has set the group; the default when there is none.</summary>
    internal readonly record struct Entry(bool IsSet, MemoryGroup? Group, FlowingScope? SetterAtEntry);
}
