// From the target down: which groups have reclaimers, and how far they are protected now. Only groups that have a
// policy are met (GroupPolicy), and the use of each is read once, so that siblings are weighed on one snapshot.

namespace Allot;

internal static class ProtectionWalk
{
    /// <summary>Fills the list with the groups that have reclaimers, the target included.</summary>
    public static void Fill(List<WalkedGroup> walked, MemoryGroup target)
    {
        walked.Clear();
        var pending = new Stack<Level>();
        pending.Push(new Level(target, target.Memory.CurrentBytes, EffectiveMinBytes: 0, EffectiveLowBytes: 0));
        while (pending.TryPop(out Level level))
        {
            if (level.Group.Policy?.Attachment is ReclaimState { Registrations.Length: > 0 } state)
            {
                walked.Add(new WalkedGroup(level.Group, state, level.EffectiveMinBytes, level.EffectiveLowBytes));
            }

            PushChildren(pending, level, isTarget: level.Group == target);
        }
    }

    private static void PushChildren(Stack<Level> pending, Level parent, bool isTarget)
    {
        ReadOnlySpan<MemoryGroup> children = parent.Group.ChildrenWithPolicy;
        if (children.IsEmpty) return;

        var snapshots = new Snapshot[children.Length];
        long claimedMin = 0;
        long claimedLow = 0;
        for (int i = 0; i < children.Length; i++)
        {
            GroupPolicy policy = children[i].Policy!;
            long used = Math.Max(0, children[i].Memory.CurrentBytes);
            snapshots[i] = new Snapshot(used, policy.MinBytes, policy.LowBytes);
            claimedMin = Add(claimedMin, ParentProtection.Claim(used, snapshots[i].MinBytes));
            claimedLow = Add(claimedLow, ParentProtection.Claim(used, snapshots[i].LowBytes));
        }

        var min = new ParentProtection
        {
            IsTarget = isTarget,
            EffectiveBytes = parent.EffectiveMinBytes,
            ClaimedBytes = claimedMin,
            UsedBytes = parent.UsedBytes,
            SharesUnclaimed = parent.Group.Controller.SharesUnclaimedProtection,
        };
        ParentProtection low = min with { EffectiveBytes = parent.EffectiveLowBytes, ClaimedBytes = claimedLow };
        for (int i = 0; i < children.Length; i++)
        {
            (long used, long minBytes, long lowBytes) = snapshots[i];
            pending.Push(new Level(children[i], used, min.OfChild(used, minBytes), low.OfChild(used, lowBytes)));
        }
    }

    // All children use no more than their parent, but for readings of different instants.
    private static long Add(long sum, long bytes) => sum > long.MaxValue - bytes ? long.MaxValue : sum + bytes;

    private readonly record struct Snapshot(long UsedBytes, long MinBytes, long LowBytes);

    private readonly record struct Level(
        MemoryGroup Group, long UsedBytes, long EffectiveMinBytes, long EffectiveLowBytes);
}
