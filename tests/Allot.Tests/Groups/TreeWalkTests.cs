namespace Allot.Tests;

/// <summary>The walk is what other tests rely on: it must be silent on good trees and must find each kind of damage.
/// </summary>
public sealed class TreeWalkTests
{
    private readonly TreeOfThree _tree = new();

    [Fact]
    public void A_good_tree_has_no_violations()
    {
        _tree.Leaf.Charge(MemoryKind.Kernel, 10);
        _tree.Middle.ForcePin(PinKind.Locked, 3);
        Assert.Empty(TreeWalk.FindViolations(_tree.Controller));
    }

    [Fact]
    public void Children_that_hold_more_than_their_parent_are_found()
    {
        _tree.Leaf.Charge(MemoryKind.User, 10);
        _tree.Middle.Uncharge(MemoryKind.User, 1);
        Assert.Contains("/a: memory of the children (10) is a part of the whole", Violations());
    }

    [Fact]
    public void Kernel_memory_that_is_no_memory_is_found()
    {
        _tree.Leaf.Kernel.ForceCharge(1);
        Assert.Contains("/a/b: kernel memory is a part of memory", Violations());
    }

    [Fact]
    public void Pins_that_are_neither_locked_nor_pinned_are_found()
    {
        _tree.Leaf.Pins.ForceCharge(1);
        Assert.Contains("/: locked and pinned add up to pins", Violations());
    }

    [Fact]
    public void Use_above_the_peak_is_found()
    {
        _tree.Root.Memory.TryChargePath(1, out _);   // and no NotePeaks
        Assert.Contains("/: memory never was above its peak", Violations());
    }

    private IReadOnlyList<string> Violations() => TreeWalk.FindViolations(_tree.Controller);
}
