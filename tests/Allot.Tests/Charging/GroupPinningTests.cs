namespace Allot.Tests;

public sealed class GroupPinningTests
{
    [Fact]
    public void Locked_and_pinned_bytes_share_one_limit_and_are_shown_apart()
    {
        var tree = new TreeOfThree(middle: new() { PinsMaxBytes = 10 });
        Assert.True(tree.Leaf.TryPin(PinKind.Locked, 6, out _));
        Assert.True(tree.Middle.TryPin(PinKind.Pinned, 4, out _));
        Assert.False(tree.Leaf.TryPin(PinKind.Pinned, 1, out ChargeRefusal refusal));
        Assert.Same(tree.Middle, refusal.Limiter);
        Assert.Equal(CounterKind.Pins, refusal.Counter);
        Assert.Equal((10, 10), (refusal.CurrentBytes, refusal.MaxBytes));
        Assert.Equal([10, 10, 6], tree.Pins);
        Assert.Equal(new MemoryStat(0, 0, 6, 4), tree.Middle.ReadStat());
    }

    [Fact]
    public void Pins_are_no_part_of_memory()
    {
        var tree = new TreeOfThree(root: new() { MaxBytes = 0 });
        Assert.True(tree.Leaf.TryPin(PinKind.Locked, 100, out _));
        Assert.Equal([0, 0, 0], tree.Memory);
    }

    [Theory, InlineData(PinKind.Locked), InlineData(PinKind.Pinned)]
    public void Pinning_and_unpinning_balance(PinKind kind)
    {
        var tree = new TreeOfThree();
        Assert.True(tree.Leaf.TryPin(kind, 10, out ChargeRefusal refusal));
        Assert.Equal(RefusalReason.None, refusal.Reason);
        tree.Leaf.ForcePin(kind, 5);
        tree.Leaf.Unpin(kind, 15);
        Assert.Equal([0, 0, 0], tree.Pins);
        Assert.Equal(default, tree.Root.ReadStat());
        Assert.Equal(15, tree.Root.Pins.PeakBytes);
        Assert.Equal(default, tree.Root.ReadEvents());
    }

    [Fact]
    public void A_refused_pin_changes_no_part()
    {
        var tree = new TreeOfThree(root: new() { PinsMaxBytes = 10 });
        string before = tree.Snapshot();
        Assert.False(tree.Leaf.TryPin(PinKind.Locked, 11, out _));
        Assert.Equal(before, tree.Snapshot());
    }

    [Fact]
    public void A_removed_group_pins_no_more_and_gives_to_its_parent()
    {
        var tree = new TreeOfThree();
        Assert.True(tree.Leaf.TryPin(PinKind.Pinned, 4, out _));
        tree.Leaf.Remove();
        Assert.False(tree.Leaf.TryPin(PinKind.Pinned, 4, out ChargeRefusal refusal));
        Assert.Equal(RefusalReason.GroupRemoved, refusal.Reason);
        Assert.Equal(CounterKind.Pins, refusal.Counter);
        tree.Leaf.ForcePin(PinKind.Pinned, 2);
        Assert.Equal([6, 6, 0], tree.Pins);
        tree.Leaf.Unpin(PinKind.Pinned, 6);
        Assert.Equal([0, 0, 0], tree.Pins);
    }

    [Fact]
    public void Wrong_arguments_are_refused_before_anything_changes()
    {
        var tree = new TreeOfThree();
        const PinKind Unknown = (PinKind)2;
        Assert.Throws<ArgumentOutOfRangeException>(() => tree.Leaf.TryPin(Unknown, 1, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => tree.Leaf.ForcePin(Unknown, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => tree.Leaf.Unpin(Unknown, 1));
        foreach (long bytes in (long[])[-1, MemoryGroup.MaxChargeBytes + 1])
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => tree.Leaf.TryPin(PinKind.Locked, bytes, out _));
            Assert.Throws<ArgumentOutOfRangeException>(() => tree.Leaf.ForcePin(PinKind.Locked, bytes));
            Assert.Throws<ArgumentOutOfRangeException>(() => tree.Leaf.Unpin(PinKind.Locked, bytes));
        }

        Assert.Equal([0, 0, 0], tree.Pins);
    }
}
