namespace Allot;

/// <summary>How many groups there are below.</summary>
internal sealed class CgroupStatFile(MemoryGroup group) : GroupFile(group, "cgroup.stat")
{
    // A removed group leaves nothing behind that could be counted as dying (I6): the line is here for those who look
    // for it, and what it says is true.
    private protected override string ReadCore() =>
        FileText.Keyed(("nr_descendants", CountDescendants()), ("nr_dying_descendants", 0));

    private long CountDescendants()
    {
        long count = 0;
        var pending = new Stack<MemoryGroup>([Group]);
        while (pending.TryPop(out MemoryGroup? group))
        {
            IReadOnlyList<MemoryGroup> children = group.Children;
            count += children.Count;
            foreach (MemoryGroup child in children) pending.Push(child);
        }

        return count;
    }
}
