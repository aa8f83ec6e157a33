namespace Allot.Tests;

public sealed class GroupHoldingTests
{
    private readonly TreeOfThree _tree = new(middle: new() { MaxBytes = 100 });

    [Fact]
    public void Holding_charges_and_returns_the_owner()
    {
        using MemoryCharge charge = _tree.Leaf.Hold(MemoryKind.Kernel, 10);
        Assert.Same(_tree.Leaf, charge.Group);
        Assert.Equal(MemoryKind.Kernel, charge.Kind);
        Assert.Equal(10, charge.Bytes);
        Assert.Equal([10, 10, 10], _tree.Kernel);
    }

    [Fact]
    public void A_handle_can_start_empty()
    {
        using MemoryCharge charge = _tree.Leaf.Hold(MemoryKind.User);
        Assert.Equal(0, charge.Bytes);
        charge.Grow(5);
        Assert.Equal([5, 5, 5], _tree.Memory);
    }

    [Fact]
    public void A_refused_hold_charges_nobody()
    {
        Assert.Throws<MemoryLimitExceededException>(() => _tree.Leaf.Hold(MemoryKind.Kernel, 101));
        Assert.Equal([0, 0, 0], _tree.Memory);
        Assert.Equal([0, 0, 0], _tree.Kernel);
    }

    [Fact]
    public void Wrong_arguments_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => _tree.Leaf.Hold((MemoryKind)7));
        Assert.Throws<ArgumentOutOfRangeException>(() => _tree.Leaf.Hold(MemoryKind.User, -1));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => _tree.Leaf.Hold(MemoryKind.User, MemoryGroup.MaxChargeBytes + 1));
        Assert.Equal([0, 0, 0], _tree.Memory);
    }
}
