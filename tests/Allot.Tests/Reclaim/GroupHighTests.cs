namespace Allot.Tests.Reclaim;

/// <summary>Lowering the high limit below what is used.</summary>
public sealed class GroupHighTests
{
    private readonly TreeOfThree _tree = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void The_property_waits_for_no_reclaim()
    {
        using TestCache cache = new TestCache(_tree.Leaf).Fill(1000);
        _tree.Middle.HighBytes = 10;
        Assert.Empty(cache.Asked);
        Assert.Equal(1000, _tree.Middle.Memory.CurrentBytes);
    }

    [Fact]
    public async Task Set_and_reclaimed_it_is_at_the_limit()
    {
        using TestCache cache = new TestCache(_tree.Leaf).Fill(1000);
        Assert.Equal(0, await _tree.Middle.SetHighAsync(1000, Token));
        Assert.InRange(await _tree.Middle.SetHighAsync(500, Token), 500, 510);
        Assert.Equal(500, _tree.Middle.HighBytes);
        Assert.InRange(_tree.Middle.Memory.CurrentBytes, 490, 500);
        Assert.Equal(default, _tree.Root.ReadEvents());
    }

    [Fact]
    public async Task Where_nothing_can_be_reclaimed_it_ends_all_the_same()
    {
        _tree.Leaf.Charge(MemoryKind.User, 1000);
        Assert.Equal(0, await _tree.Middle.SetHighAsync(10, Token));
        using var stubborn = new TestCache(_tree.Leaf) { Instead = (_, _) => 0 };
        stubborn.Fill(0);
        _tree.Middle.HighBytes = MemoryGroup.Unlimited;
        stubborn.Fill(100);
        Assert.Equal(0, await _tree.Middle.SetHighAsync(10, Token));
        Assert.Equal(1100, _tree.Middle.Memory.CurrentBytes);
    }

    [Fact]
    public async Task It_ends_also_when_a_reclaimer_charges_again_what_it_gave_back()
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("g");
        group.Charge(MemoryKind.User, 1000);
        using var cache = new TestCache(group)
        {
            Instead = (_, bytes) =>
            {
                group.Uncharge(MemoryKind.User, bytes);
                group.ForceCharge(MemoryKind.User, bytes);
                return bytes;
            },
        };
        cache.Fill(100);
        await group.SetHighAsync(100, TestContext.Current.CancellationToken);
        Assert.Equal(1100, group.Memory.CurrentBytes);
    }

    [Fact]
    public async Task It_ends_when_the_limit_is_set_again_or_the_group_removed()
    {
        using TestCache cache = new TestCache(_tree.Leaf).Fill(1000);
        cache.Instead = (_, _) =>
        {
            _tree.Leaf.HighBytes = 900;
            return cache.Free(1);
        };
        Assert.InRange(await _tree.Leaf.SetHighAsync(500, Token), 1, 999);
        Assert.Equal(900, _tree.Leaf.HighBytes);
        cache.Instead = (_, _) =>
        {
            _tree.Leaf.Remove();
            return cache.Free(1);
        };
        await _tree.Leaf.SetHighAsync(0, Token);
        Assert.InRange(cache.HeldBytes, 1, 999);
    }

    [Fact]
    public async Task A_wrong_value_is_refused_and_a_cancelled_reclaim_leaves_the_limit_set()
    {
        using TestCache cache = new TestCache(_tree.Leaf).Fill(1000);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => _tree.Leaf.SetHighAsync(-1, Token));
        using var source = new CancellationTokenSource();
        cache.Instead = (_, _) =>
        {
            source.Cancel();
            return cache.Free(1);
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _tree.Leaf.SetHighAsync(10, source.Token));
        Assert.Equal(10, _tree.Leaf.HighBytes);
        Assert.InRange(cache.HeldBytes, 1, 999);
    }
}
