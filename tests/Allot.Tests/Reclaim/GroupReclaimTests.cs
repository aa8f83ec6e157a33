namespace Allot.Tests.Reclaim;

/// <summary>Registering reclaimers, and reclaim on demand.</summary>
public sealed class GroupReclaimTests
{
    private readonly TreeOfThree _tree = new();

    [Fact]
    public void It_returns_what_was_freed_and_takes_no_more_than_was_asked()
    {
        using TestCache cache = new TestCache(_tree.Leaf).Fill(100_000);
        Assert.Equal(30_000, _tree.Root.Reclaim(30_000));
        Assert.Equal([70_000, 70_000, 70_000], _tree.Memory);
    }

    [Fact]
    public void A_reclaimer_that_cannot_divide_may_give_more()
    {
        using TestCache cache = new TestCache(_tree.Leaf, entryBytes: 1_000).Fill(100_000);
        Assert.Equal(2_000, _tree.Root.Reclaim(1_001));
    }

    [Fact]
    public void It_returns_less_when_there_is_no_more()
    {
        using TestCache cache = new TestCache(_tree.Leaf).Fill(500);
        Assert.Equal(500, _tree.Middle.Reclaim(MemoryGroup.Unlimited));
        Assert.Equal(0, _tree.Middle.Reclaim(1));
        Assert.Equal([0, 0, 0], _tree.Memory);
    }

    [Fact]
    public void Without_reclaimers_there_is_nothing()
    {
        _tree.Leaf.Charge(MemoryKind.User, 100);
        Assert.Equal(0, _tree.Root.Reclaim(100));
        Assert.Equal(0, _tree.Root.Reclaim(0));
        Assert.All(_tree.Groups, group => Assert.Null(group.Policy));
    }

    [Fact]
    public void A_negative_amount_is_a_mistake() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => _tree.Root.Reclaim(-1));

    [Fact]
    public void Only_the_subtree_is_asked()
    {
        MemoryGroup sibling = _tree.Middle.CreateChild("s");
        using TestCache mine = new TestCache(_tree.Leaf).Fill(1_000);
        using TestCache other = new TestCache(sibling).Fill(1_000);
        using TestCache above = new TestCache(_tree.Middle).Fill(1_000);
        Assert.Equal(1_000, _tree.Leaf.Reclaim(5_000));
        Assert.Empty(other.Asked);
        Assert.Empty(above.Asked);
    }

    [Fact]
    public void Each_gives_in_proportion_to_what_it_holds()
    {
        MemoryGroup sibling = _tree.Middle.CreateChild("s");
        var batch = new ReclaimerOptions { BatchBytes = 64 };
        using TestCache small = new TestCache(_tree.Leaf, options: batch).Fill(100_000);
        using TestCache large = new TestCache(sibling, options: batch).Fill(300_000);
        for (int i = 0; i < 400; i++) _tree.Root.Reclaim(250);
        Assert.InRange(100_000 - small.HeldBytes, 15_000, 35_000);   // 25 and 75 thousand
        Assert.Equal(100_000, 400_000 - small.HeldBytes - large.HeldBytes);
    }

    [Fact]
    public void What_is_dear_to_make_again_gives_less()
    {
        MemoryGroup sibling = _tree.Middle.CreateChild("s");
        using TestCache cheap = new TestCache(_tree.Leaf, 1, new() { BatchBytes = 64, Cost = 1 }).Fill(100_000);
        using TestCache dear = new TestCache(sibling, 1, new() { BatchBytes = 64, Cost = 8 }).Fill(100_000);
        _tree.Root.Reclaim(50_000);
        Assert.InRange(100_000 - dear.HeldBytes, 1_000, 12_000);   // a ninth of it
    }

    [Fact]
    public void Less_than_a_batch_is_put_off_until_it_is_one()
    {
        var registration = (ReclaimerRegistration)_tree.Leaf.Register(
            new Silent(heldBytes: 100_000), new ReclaimerOptions { BatchBytes = 1_000_000 });
        _tree.Leaf.ForceCharge(MemoryKind.User, 100_000);
        Assert.Equal(0, _tree.Root.Reclaim(1));
        Assert.InRange(registration.DeferredBytes, 1, 200_000);
    }

    [Fact]
    public void A_reclaimer_that_costs_much_is_reached_in_the_end()
    {
        using TestCache dear = new TestCache(_tree.Leaf, 1, new() { BatchBytes = 1_000, Cost = 40 }).Fill(1_000);
        Assert.Equal(1, _tree.Root.Reclaim(1));   // only what was put off adds up to a batch
    }

    [Fact]
    public void After_disposal_it_is_not_asked()
    {
        TestCache cache = new TestCache(_tree.Leaf).Fill(1_000);
        cache.Dispose();
        cache.Dispose();
        _tree.Leaf.Charge(MemoryKind.User, 10);
        Assert.Equal(0, _tree.Root.Reclaim(10));
        Assert.Empty(cache.Asked);
    }

    [Fact]
    public void A_reclaimer_is_registered_once_in_a_group_and_in_any_number_of_groups()
    {
        var reclaimer = new Silent(1);
        using IDisposable one = _tree.Leaf.Register(reclaimer);
        Assert.Throws<InvalidOperationException>(() => _tree.Leaf.Register(reclaimer));
        using IDisposable two = _tree.Middle.Register(reclaimer);
        one.Dispose();
        using IDisposable again = _tree.Leaf.Register(reclaimer);
    }

    [Fact]
    public void Wrong_options_are_refused()
    {
        Assert.Throws<ArgumentNullException>(() => _tree.Leaf.Register(null!));
        ReclaimerOptions[] wrong = [new() { Cost = -1 }, new() { BatchBytes = 0 }, new() { Kind = (MemoryKind)7 }];
        Assert.All(wrong, options =>
            Assert.Throws<ArgumentOutOfRangeException>(() => _tree.Leaf.Register(new Silent(1), options)));
        Assert.Null(_tree.Leaf.Policy);
    }

    [Fact]
    public void A_removed_group_takes_no_reclaimer()
    {
        _tree.Leaf.Remove();
        Assert.Contains(
            "'/a/b'", Assert.Throws<InvalidOperationException>(() => _tree.Leaf.Register(new Silent(1))).Message);
    }

    [Fact]
    public void Removal_unregisters_and_leaves_the_bytes_to_the_parent()
    {
        TestCache cache = new TestCache(_tree.Leaf).Fill(1_000);
        _tree.Leaf.Remove();
        Assert.Equal(0, _tree.Root.Reclaim(1_000));
        Assert.Empty(cache.Asked);
        Assert.Equal([1_000, 1_000, 0], _tree.Memory);
        cache.Dispose();
        Assert.Equal([0, 0, 0], _tree.Memory);
    }

    [Fact]
    public void Removal_leaves_deferred_work_to_the_same_reclaimer_of_the_parent()
    {
        var reclaimer = new Silent(heldBytes: 100_000);
        var batch = new ReclaimerOptions { BatchBytes = 1_000_000 };
        var above = (ReclaimerRegistration)_tree.Middle.Register(reclaimer, batch);
        var below = (ReclaimerRegistration)_tree.Leaf.Register(reclaimer, batch);
        _tree.Leaf.ForceCharge(MemoryKind.User, 100_000);
        _tree.Leaf.Reclaim(1);
        long deferred = below.DeferredBytes;
        Assert.InRange(deferred, 1, 200_000);
        _tree.Leaf.Remove();
        Assert.Equal((0, deferred), (below.DeferredBytes, above.DeferredBytes));
    }

    [Fact]
    public void A_walk_keeps_no_group_alive()
    {
        using TestCache cache = new TestCache(_tree.Leaf).Fill(1_000);
        _tree.Root.Reclaim(10);
        Assert.Empty(ReclaimState.Of(_tree.Root)!.Walked);
    }

    [Fact]
    public void A_group_of_ten_thousand_caches_is_walked()
    {
        TestCache[] caches =
            [.. Enumerable.Range(0, 10_000).Select(i => new TestCache(_tree.Middle.CreateChild($"c{i}"), 10))];
        foreach (TestCache cache in caches) cache.Fill(100);
        Assert.Equal(500_000, _tree.Root.Reclaim(500_000));
        Assert.Equal(500_000, _tree.Root.Memory.CurrentBytes);
        Assert.Equal(500_000, _tree.Root.Reclaim(1_000_000));
        Assert.All(caches, cache => Assert.Equal(0, cache.HeldBytes));
    }

    /// <summary>Holds, and gives nothing.</summary>
    private sealed class Silent(long heldBytes) : IReclaimer
    {
        public ReclaimNeeds Needs => ReclaimNeeds.None;

        public long CountBytes(MemoryGroup group) => heldBytes;

        public long Reclaim(MemoryGroup group, long targetBytes) => 0;
    }
}
