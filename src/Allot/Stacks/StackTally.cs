// How many threads each group has, and the bytes of their stacks: kept for the recorded group alone, and added up when
// somebody asks. Starting a thread takes tens of microseconds anyway, so one lock for all is not felt.
//
// A removed group stays here until its last thread ends; who asks for its parent finds it below that (I6).
//
// Order: bytes are added after they were charged and taken off before they are uncharged, so what is read here is never
// more than the kernel memory of the group.

using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Allot;

internal static class StackTally
{
    private static readonly SteadyLock s_lock = new();

    // Under s_lock. No entry without threads.
    private static readonly Dictionary<MemoryGroup, GroupThreadStat> s_own = [];

    /// <summary>Adds to what a group has, or takes off.</summary>
    public static void Add(MemoryGroup group, int threads, long bytes)
    {
        using (s_lock.EnterScope())
        {
            ref GroupThreadStat own = ref CollectionsMarshal.GetValueRefOrAddDefault(s_own, group, out _);
            own = new GroupThreadStat(own.Threads + threads, own.StackBytes + bytes);
            Debug.Assert(own.Threads >= 0, "A thread ends once.");
            Debug.Assert(own.StackBytes >= 0, "A stack is taken off with the bytes that were added for it.");
            if (own.Threads > 0) return;
            Debug.Assert(own.StackBytes == 0, "No threads have no stacks.");
            s_own.Remove(group);
        }
    }

    public static GroupThreadStat Read(MemoryGroup group)
    {
        long threads = 0, bytes = 0;
        if (group.State == MemoryGroupState.Offline) return default;   // its threads are its heir's
        using (s_lock.EnterScope())
        {
            foreach ((MemoryGroup one, GroupThreadStat own) in s_own)
            {
                if (!IsWithin(one, group)) continue;
                threads += own.Threads;
                bytes += own.StackBytes;
            }
        }

        return new GroupThreadStat(threads, bytes);
    }

    private static bool IsWithin(MemoryGroup group, MemoryGroup ancestor)
    {
        MemoryGroup? level = group;
        while (level is not null && level != ancestor) level = level.Parent;
        return level is not null;
    }
}
