using Allot.Testing;

namespace Allot.Model.Tests.Protection;

/// <summary>Random trees with random use and protection: the walk and the slow, obvious version agree on every group,
/// and the parts never add up to more than the whole.</summary>
public sealed class ProtectionModelTests(ITestOutputHelper output)
{
    private const int Trees = 60;
    private const int ChangesOfEach = 20;

    public static TheoryData<ulong> Seeds => [1, 2, 3, 4];

    [Theory, MemberData(nameof(Seeds))]
    public void The_walk_agrees_with_the_definition(ulong seed)
    {
        output.WriteLine($"seed {seed}");
        var random = new Prng(seed);
        long granted = 0;
        for (int i = 0; i < Trees; i++)
        {
            var tree = new MemoryController { SharesUnclaimedProtection = random.OneIn(2) };
            List<MemoryGroup> groups = Grow(random, tree.Root);
            for (int change = 0; change < ChangesOfEach; change++)
            {
                Change(random, groups);
                granted += Check(tree, random.Pick(groups));
            }
        }

        Assert.True(granted > 0, "Nothing was ever protected: the test proves nothing.");
    }

    private static List<MemoryGroup> Grow(Prng random, MemoryGroup root)
    {
        List<MemoryGroup> groups = [root];
        int count = 2 + random.Below(25);
        for (int i = 0; i < count; i++)
        {
            // Deep now and then: every third group is below the one before it.
            MemoryGroup parent = i % 3 == 0 ? groups[^1] : random.Pick(groups);
            groups.Add(parent.CreateChild($"g{i}"));
        }

        // Reclaimers everywhere, so that the walk reports every group.
        foreach (MemoryGroup group in groups) group.Register(new Nothing());
        return groups;
    }

    private static void Change(Prng random, List<MemoryGroup> groups)
    {
        MemoryGroup group = random.Pick(groups);
        switch (random.Below(4))
        {
            case 0: group.MinBytes = Amount(random); break;
            case 1: group.LowBytes = random.OneIn(10) ? MemoryGroup.Unlimited : Amount(random); break;
            default: group.ForceCharge(MemoryKind.User, Amount(random)); break;
        }
    }

    private static long Amount(Prng random) => random.OneIn(5) ? random.Below(10) : (long)(random.Next() >> (20 + random.Below(40)));

    private static long Check(MemoryController tree, MemoryGroup target)
    {
        var walked = new List<WalkedGroup>();
        ProtectionWalk.Fill(walked, target);
        var min = new SlowProtection(target, tree.SharesUnclaimedProtection, static group => group.MinBytes);
        var low = new SlowProtection(target, tree.SharesUnclaimedProtection, static group => group.LowBytes);
        Dictionary<MemoryGroup, WalkedGroup> byGroup = walked.ToDictionary(one => one.Group);
        foreach (WalkedGroup one in walked)
        {
            Assert.Equal(min.Effective(one.Group), one.EffectiveMinBytes);
            Assert.Equal(low.Effective(one.Group), one.EffectiveLowBytes);
            if (one.Group == target || one.Group.Children.Count == 0) continue;

            Assert.True(
                one.Group.Children.Sum(child => byGroup[child].EffectiveMinBytes) <= one.EffectiveMinBytes,
                "Children never have more protection than their parent.");
        }

        Assert.Equal(Descendants(target), walked.Count);
        return walked.Count(one => one.EffectiveMinBytes > 0 && one.Group.Parent != target);
    }

    private static int Descendants(MemoryGroup group) => 1 + group.Children.Sum(Descendants);

    private sealed class Nothing : IReclaimer
    {
        public ReclaimNeeds Needs => ReclaimNeeds.None;

        public long CountBytes(MemoryGroup group) => 0;

        public long Reclaim(MemoryGroup group, long targetBytes) => 0;
    }
}
