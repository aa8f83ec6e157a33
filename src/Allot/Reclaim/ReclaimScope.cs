// The mark that this thread is inside a reclaimer, and what it uncharges there.
//
// The mark makes recursion impossible: a charge or a reclaim that a reclaimer makes does not reclaim. The tally is how
// a claim is verified whatever other threads do to the same counters meanwhile: what this thread has uncharged from the
// group, or from one below it, is counted here at the moment of the uncharge.

using System.Diagnostics;

namespace Allot;

internal static class ReclaimScope
{
    // Threads inside a reclaimer, in the whole process. It is only there so that an uncharge looks at one shared word
    // that hardly ever changes, and at thread-local ones only while it is not 0.
    private static int s_threadsInside;

    [ThreadStatic] private static MemoryGroup? t_group;
    [ThreadStatic] private static long t_memoryBytes;
    [ThreadStatic] private static long t_kernelBytes;

    /// <summary>Whether this thread is inside a reclaimer.</summary>
    internal static bool IsReclaiming => Volatile.Read(ref s_threadsInside) != 0 && t_group is not null;

    internal static void Enter(MemoryGroup group)
    {
        Debug.Assert(t_group is null, "A thread is in one reclaimer at most.");
        Interlocked.Increment(ref s_threadsInside);
        t_group = group;
        t_memoryBytes = t_kernelBytes = 0;
    }

    /// <summary>Ends the scope.</summary>
    /// <returns>What this thread has uncharged in it.</returns>
    internal static long Leave(bool kernelOnly)
    {
        Debug.Assert(t_group is not null, "Who leaves has entered.");
        t_group = null;
        Interlocked.Decrement(ref s_threadsInside);
        return kernelOnly ? t_kernelBytes : t_memoryBytes;
    }

    /// <summary>Called after an uncharge while <see cref="IsReclaiming"/>.</summary>
    internal static void NoteUncharged(MemoryGroup group, MemoryKind kind, long bytes)
    {
        for (MemoryGroup? level = group; level is not null; level = level.Parent)
        {
            if (level != t_group) continue;
            t_memoryBytes += bytes;
            if (kind == MemoryKind.Kernel) t_kernelBytes += bytes;
            return;
        }
    }
}
