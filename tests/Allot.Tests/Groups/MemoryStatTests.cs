namespace Allot.Tests;

public sealed class MemoryStatTests
{
    [Fact]
    public void Memory_and_pins_are_shown_by_sort_with_all_that_is_below()
    {
        var tree = new TreeOfThree();
        tree.Leaf.Charge(MemoryKind.User, 1000);
        tree.Leaf.Charge(MemoryKind.Kernel, 200);
        tree.Middle.Charge(MemoryKind.User, 30);
        tree.Leaf.ForcePin(PinKind.Locked, 4);
        tree.Leaf.ForcePin(PinKind.Pinned, 5);
        Assert.Equal(new MemoryStat(1000, 200, 4, 5), tree.Leaf.ReadStat());
        Assert.Equal(new MemoryStat(1030, 200, 4, 5), tree.Root.ReadStat());
    }

    [Fact]
    public void A_removed_group_holds_nothing()
    {
        var tree = new TreeOfThree();
        tree.Leaf.Charge(MemoryKind.Kernel, 200);
        tree.Leaf.ForcePin(PinKind.Locked, 4);
        tree.Leaf.Remove();
        Assert.Equal(default, tree.Leaf.ReadStat());
        Assert.Equal(new MemoryStat(0, 200, 4, 0), tree.Middle.ReadStat());
    }
}
