namespace Allot.Tests;

public sealed class MemoryEventsTests
{
    [Fact]
    public void A_refusal_belongs_to_the_group_whose_limit_refused_and_shows_above_it()
    {
        var tree = new TreeOfThree(middle: new() { MaxBytes = 10 });
        Assert.False(tree.Leaf.TryCharge(MemoryKind.User, 11, out _));

        Assert.Equal(default, tree.Leaf.ReadLocalEvents());
        Assert.Equal(default, tree.Leaf.ReadEvents());
        Assert.Equal(new MemoryEvents { MemoryMax = 1 }, tree.Middle.ReadLocalEvents());
        Assert.Equal(new MemoryEvents { MemoryMax = 1 }, tree.Middle.ReadEvents());
        Assert.Equal(default, tree.Root.ReadLocalEvents());
        Assert.Equal(new MemoryEvents { MemoryMax = 1 }, tree.Root.ReadEvents());
    }

    [Fact]
    public void Every_counter_has_events_of_its_own()
    {
        MemoryGroup group = new MemoryController().Root.CreateChild(
            "a", new() { MaxBytes = 10, KernelMaxBytes = 5, PinsMaxBytes = 3 });
        Assert.False(group.TryCharge(MemoryKind.User, 11, out _));
        Assert.False(group.TryCharge(MemoryKind.Kernel, 6, out _));
        Assert.False(group.TryPin(PinKind.Locked, 4, out _));
        Assert.False(group.TryPin(PinKind.Pinned, 4, out _));
        group.ForceCharge(MemoryKind.Kernel, 6);   // passes Kernel only
        group.ForceCharge(MemoryKind.User, 6);     // passes Memory
        group.ForcePin(PinKind.Pinned, 4);
        group.Uncharge(MemoryKind.Kernel, 7);
        var expected = new MemoryEvents
        {
            MemoryMax = 1,
            MemoryForced = 1,
            KernelMax = 1,
            KernelForced = 1,
            PinsMax = 2,
            PinsForced = 1,
            AccountingErrors = 1,
        };
        Assert.Equal(expected, group.ReadLocalEvents());
    }

    [Fact]
    public void A_forced_charge_counts_at_every_limit_that_it_passes()
    {
        var tree = new TreeOfThree(root: new() { MaxBytes = 100 }, leaf: new() { MaxBytes = 10 });
        tree.Leaf.ForceCharge(MemoryKind.User, 50);
        Assert.Equal(1, tree.Leaf.ReadLocalEvents().MemoryForced);
        Assert.Equal(0, tree.Root.ReadLocalEvents().MemoryForced);

        tree.Leaf.ForceCharge(MemoryKind.User, 51);
        Assert.Equal(2, tree.Leaf.ReadLocalEvents().MemoryForced);
        Assert.Equal(0, tree.Middle.ReadLocalEvents().MemoryForced);
        Assert.Equal(1, tree.Root.ReadLocalEvents().MemoryForced);
        Assert.Equal(3, tree.Root.ReadEvents().MemoryForced);
    }

    [Fact]
    public void A_forced_charge_that_fits_or_is_empty_is_no_event()
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("a", new() { MaxBytes = 10 });
        group.ForceCharge(MemoryKind.User, 10);
        group.Memory.MaxBytes = 5;
        group.ForceCharge(MemoryKind.User, 0);
        Assert.Equal(default, group.ReadEvents());
    }

    [Fact]
    public void What_a_removed_descendant_did_stays_in_the_hierarchical_view()
    {
        var tree = new TreeOfThree(leaf: new() { MaxBytes = 10 });
        tree.Leaf.TryCharge(MemoryKind.User, 11, out _);
        tree.Leaf.Remove();
        Assert.Equal(1, tree.Middle.ReadEvents().MemoryMax);
        Assert.Equal(0, tree.Middle.ReadLocalEvents().MemoryMax);
    }

    [Fact]
    public void A_removed_groups_limit_counts_no_more()
    {
        var tree = new TreeOfThree(middle: new() { MaxBytes = 20 }, leaf: new() { MaxBytes = 10 });
        tree.Leaf.Remove();
        tree.Leaf.ForceCharge(MemoryKind.User, 15);
        Assert.Equal(0, tree.Leaf.ReadEvents().MemoryForced);
        Assert.Equal(0, tree.Root.ReadEvents().MemoryForced);
        tree.Leaf.ForceCharge(MemoryKind.User, 15);
        Assert.Equal(1, tree.Middle.ReadLocalEvents().MemoryForced);
    }

    [Fact]
    public void A_charge_to_a_removed_group_is_no_event()
    {
        var tree = new TreeOfThree();
        tree.Leaf.Remove();
        Assert.False(tree.Leaf.TryCharge(MemoryKind.User, 1, out _));
        Assert.Equal(default, tree.Root.ReadEvents());
    }
}
