// What is in use, by sort. Of the kernel's keys only those that a group in a process can tell: not one of them is
// written as a 0 that nobody counts. Then ours.

namespace Allot;

/// <summary>What the memory of the group is.</summary>
internal sealed class MemoryStatFile(MemoryGroup group) : GroupFile(group, "memory.stat")
{
    private protected override string ReadCore()
    {
        MemoryStat stat = Group.ReadStat();
        return FileText.Keyed(
            ("kernel", stat.KernelBytes),
            ("kernel_stack", Group.ReadThreadStat().StackBytes),
            ("user", stat.UserBytes),
            ("reserved", Group.Memory.ReservedBytes),
            ("locked", stat.LockedBytes),
            ("pinned", stat.PinnedBytes));
    }
}
