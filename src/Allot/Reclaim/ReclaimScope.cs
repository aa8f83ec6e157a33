// The mark that this thread is inside a reclaimer, and what it gives back there.
//
// The mark makes recursion impossible: a charge or a reclaim that a reclaimer makes does not reclaim. The tally is how
// a claim is verified whatever other threads do to the same counters meanwhile: what this thread uncharges, less what
// it charges, at the moment it does. It is kept for two groups: the one whose bytes are asked for, and the target of
// the reclaim, at or above it, where room is wanted. So bytes that only change places count for nothing.
//
// Inside, the fast path of this thread is paused (ThreadReserves.PauseFastPath): every charge comes by here, and those
// outside of reclaimers pay nothing for that.
//
// A reclaimer runs in NoReclaim and in what the context of the caller forbids. What else the caller's scopes say is not
// for it: what it uncharges counts, it may allocate, and where it names no group it charges the one it works for.

using System.Diagnostics;

namespace Allot;

internal static class ReclaimScope
{
    // Threads inside a reclaimer, in the whole process. It is only there so that others look at one shared word that
    // hardly ever changes, and at thread-local ones only while it is not 0.
    private static int s_threadsInside;

    [ThreadStatic] private static MemoryGroup? t_group;
    [ThreadStatic] private static MemoryGroup? t_target;
    [ThreadStatic] private static Tally t_ofGroup;
    [ThreadStatic] private static Tally t_ofTarget;

    // What to restore in the context of the thread.
    [ThreadStatic] private static ulong t_outer;
    [ThreadStatic] private static FlowingScope? t_outerFlow;
    [ThreadStatic] private static ThreadGroups.Entry t_outerGroup;

    /// <summary>Whether this thread is inside a reclaimer.</summary>
    internal static bool IsReclaiming => Volatile.Read(ref s_threadsInside) != 0 && t_group is not null;

    /// <summary>A reclaimer begins on this thread.</summary>
    /// <param name="group">Whose bytes it is asked for.</param>
    /// <param name="target">Where room is wanted: this group, or one above.</param>
    /// <param name="needs">What it needs.</param>
    internal static void Enter(MemoryGroup group, MemoryGroup target, ReclaimNeeds needs)
    {
        Debug.Assert(t_group is null, "A thread is in one reclaimer at most.");
        Debug.Assert(group.IsAtOrBelow(target), "Who is asked is below who needs.");
        Interlocked.Increment(ref s_threadsInside);
        t_group = group;
        t_target = target;
        t_ofGroup = t_ofTarget = default;
        ThreadReserves.PauseFastPath();
        t_outerFlow = FlowingScope.Innermost;
        (t_outer, ulong mine) =
            ThreadContext.Enter(AllocationRestrictions.NoReclaim, clear: ForeignScope.NotForForeignCode);
        t_outerGroup = ThreadGroups.Enter(group);
        if (!AllocationChecks.IsEnabled) return;
        OpenScopes.NoteOwn(t_outer, mine);
        LockOrder.EnterReclaimer(ReclaimContext.PermissionsFor(needs), group.Controller);
    }

    /// <summary>Ends the scope.</summary>
    /// <param name="kernelOnly">Whether only kernel memory helps.</param>
    /// <param name="elsewhereBytes">What this thread has charged below the target, but not to the group, less what it
    /// has uncharged there; 0 or more.</param>
    /// <returns>What this thread has uncharged from the group and below, less what it has charged there. Below 0 when
    /// the group holds more by that.</returns>
    internal static long Leave(bool kernelOnly, out long elsewhereBytes)
    {
        Debug.Assert(t_group is not null, "Who leaves has entered.");
        LockOrder.LeaveReclaimer();
        ThreadContext.LeaveAll(t_outer);
        FlowingScope.Restore(t_outerFlow);
        t_outerFlow = null;
        ThreadGroups.Restore(t_outerGroup);
        t_outerGroup = default;
        ThreadReserves.ResumeFastPath();
        t_group = t_target = null;
        Interlocked.Decrement(ref s_threadsInside);
        long ofGroup = t_ofGroup.Bytes(kernelOnly);
        elsewhereBytes = Math.Max(0, ofGroup - t_ofTarget.Bytes(kernelOnly));
        return ofGroup;
    }

    /// <summary>Called after a charge of this thread.</summary>
    internal static void NoteCharged(MemoryGroup group, MemoryKind kind, long bytes)
    {
        if (IsReclaiming) Note(group, kind, -bytes);
    }

    /// <summary>Called after an uncharge of this thread.</summary>
    internal static void NoteUncharged(MemoryGroup group, MemoryKind kind, long bytes)
    {
        if (IsReclaiming) Note(group, kind, bytes);
    }

    private static void Note(MemoryGroup group, MemoryKind kind, long freedBytes)
    {
        if (group.IsAtOrBelow(t_target!)) t_ofTarget.Add(kind, freedBytes);
        if (group.IsAtOrBelow(t_group!)) t_ofGroup.Add(kind, freedBytes);
    }

    private struct Tally
    {
        private long _memoryBytes;
        private long _kernelBytes;

        public readonly long Bytes(bool kernelOnly) => kernelOnly ? _kernelBytes : _memoryBytes;

        public void Add(MemoryKind kind, long bytes)
        {
            _memoryBytes += bytes;
            if (kind == MemoryKind.Kernel) _kernelBytes += bytes;
        }
    }
}
