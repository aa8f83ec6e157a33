// The whole-tree walk: what must hold at every quiet point, checked from the root down.

namespace Allot;

internal static class TreeWalk
{
    /// <summary>Every broken rule, in words; empty when the tree is consistent. Only meaningful while no thread
    /// charges.</summary>
    public static IReadOnlyList<string> FindViolations(MemoryController controller)
    {
        var violations = new List<string>();
        var pending = new Stack<MemoryGroup>([controller.Root]);
        while (pending.TryPop(out MemoryGroup? group))
        {
            IReadOnlyList<MemoryGroup> children = group.Children;
            Check(group, children, violations);
            foreach (MemoryGroup child in children) pending.Push(child);
        }

        return violations;
    }

    private static void Check(MemoryGroup group, IReadOnlyList<MemoryGroup> children, List<string> violations)
    {
        PinCounters? pins = group.PinsIfAny;
        CheckCounter("memory", static g => g.Memory);
        CheckCounter("kernel", static g => g.KernelIfAny);
        CheckCounter("pins", static g => g.PinsIfAny?.All);
        CheckCounter("locked", static g => g.PinsIfAny?.Locked);
        CheckCounter("pinned", static g => g.PinsIfAny?.Pinned);

        long kernel = group.KernelIfAny?.CurrentBytes ?? 0;
        Require(kernel <= group.Memory.CurrentBytes, "kernel memory is a part of memory");
        Require(
            pins is null || pins.Locked.CurrentBytes + pins.Pinned.CurrentBytes == pins.All.CurrentBytes,
            "locked and pinned add up to pins");
        Require(group.State != MemoryGroupState.Offline, "a group in the tree was not removed");
        foreach (MemoryGroup child in children) Require(child.Parent == group, $"'{child.Name}' knows its parent");

        void CheckCounter(string name, Func<MemoryGroup, MemoryCounter?> select)
        {
            if (select(group) is not { } counter)
            {
                Require(children.All(child => select(child) is null), $"{name} is counted by all who are above");
                return;
            }

            long below = children.Sum(child => select(child)?.CurrentBytes ?? 0);
            Require(counter.CurrentBytes >= 0, $"{name} is not negative");
            Require(below <= counter.CurrentBytes, $"{name} of the children ({below}) is a part of the whole");
            bool isNoted = !counter.HasReserves;   // otherwise threads have their part of the peak still with them
            Require(
                !isNoted || counter.CurrentBytes <= counter.NotedPeakBytes, $"{name} never was above its peak");
        }

        void Require(bool holds, string rule)
        {
            if (!holds) violations.Add($"{group.Path}: {rule}");
        }
    }
}
