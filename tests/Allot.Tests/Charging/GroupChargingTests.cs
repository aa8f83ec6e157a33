namespace Allot.Tests;

public sealed class GroupChargingTests
{
    [Fact]
    public void User_memory_goes_to_Memory_on_every_level()
    {
        var tree = new TreeOfThree();
        Assert.True(tree.Leaf.TryCharge(MemoryKind.User, 10, out ChargeRefusal refusal));
        Assert.Equal(RefusalReason.None, refusal.Reason);
        Assert.Equal([10, 10, 10], tree.Memory);
        Assert.Equal([0, 0, 0], tree.Kernel);
    }

    [Fact]
    public void Kernel_memory_goes_to_Kernel_and_to_Memory()
    {
        var tree = new TreeOfThree();
        tree.Middle.Charge(MemoryKind.Kernel, 10);
        Assert.Equal([10, 10, 0], tree.Memory);
        Assert.Equal([10, 10, 0], tree.Kernel);
    }

    [Fact]
    public void Charge_throws_the_refusal_and_charges_nothing()
    {
        var tree = new TreeOfThree(root: new() { MaxBytes = 10 });
        var exception = Assert.Throws<MemoryLimitExceededException>(() => tree.Leaf.Charge(MemoryKind.User, 11));
        Assert.Same(tree.Root, exception.Refusal.Limiter);
        Assert.Equal([0, 0, 0], tree.Memory);
    }

    [Theory, InlineData(MemoryKind.User), InlineData(MemoryKind.Kernel)]
    public void Charge_and_uncharge_balance(MemoryKind kind)
    {
        var tree = new TreeOfThree();
        tree.Leaf.Charge(kind, 10);
        tree.Leaf.Charge(kind, 5);
        tree.Leaf.Uncharge(kind, 12);
        Assert.Equal([3, 3, 3], tree.Memory);
        tree.Leaf.Uncharge(kind, 3);
        Assert.Equal([0, 0, 0], tree.Memory);
        Assert.Equal([0, 0, 0], tree.Kernel);
    }

    [Fact]
    public void A_forced_charge_passes_limits_on_every_level()
    {
        var tree = new TreeOfThree(middle: new() { MaxBytes = 1, KernelMaxBytes = 1 });
        tree.Leaf.ForceCharge(MemoryKind.Kernel, 10);
        Assert.Equal([10, 10, 10], tree.Memory);
        Assert.Equal([10, 10, 10], tree.Kernel);
        Assert.Equal(10, tree.Middle.Memory.PeakBytes);
        Assert.False(tree.Leaf.TryCharge(MemoryKind.User, 1, out _));
    }

    [Fact]
    public void A_removed_group_refuses_charges_without_a_limiter()
    {
        var tree = new TreeOfThree();
        tree.Leaf.Remove();
        Assert.False(tree.Leaf.TryCharge(MemoryKind.Kernel, 1, out ChargeRefusal refusal));
        Assert.Equal(RefusalReason.GroupRemoved, refusal.Reason);
        Assert.Equal(CounterKind.Kernel, refusal.Counter);
        Assert.Same(tree.Leaf, refusal.Group);
        Assert.Null(refusal.Limiter);
        Assert.Throws<MemoryLimitExceededException>(() => tree.Leaf.Charge(MemoryKind.User, 1));
        Assert.Equal([0, 0, 0], tree.Memory);
    }

    [Fact]
    public void A_forced_charge_to_a_removed_group_is_the_parents()
    {
        var tree = new TreeOfThree();
        tree.Leaf.Remove();
        tree.Leaf.ForceCharge(MemoryKind.User, 10);
        Assert.Equal([10, 10, 0], tree.Memory);
        tree.Leaf.Uncharge(MemoryKind.User, 10);
        Assert.Equal([0, 0, 0], tree.Memory);
    }

    [Theory]
    [InlineData(-1L)]
    [InlineData(MemoryGroup.MaxChargeBytes + 1)]
    [InlineData(long.MinValue)]
    [InlineData(long.MaxValue)]
    public void Amounts_that_no_charge_can_have_are_refused_before_anything_changes(long bytes)
    {
        var tree = new TreeOfThree();
        string before = tree.Snapshot();
        Assert.Throws<ArgumentOutOfRangeException>(() => tree.Leaf.TryCharge(MemoryKind.User, bytes, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => tree.Leaf.Charge(MemoryKind.User, bytes));
        Assert.Throws<ArgumentOutOfRangeException>(() => tree.Leaf.ForceCharge(MemoryKind.Kernel, bytes));
        Assert.Throws<ArgumentOutOfRangeException>(() => tree.Leaf.Uncharge(MemoryKind.Kernel, bytes));
        Assert.Equal(before, tree.Snapshot());
    }

    [Fact]
    public void An_unknown_kind_is_refused_before_anything_changes()
    {
        var tree = new TreeOfThree();
        const MemoryKind Unknown = (MemoryKind)2;
        Assert.Throws<ArgumentOutOfRangeException>(() => tree.Leaf.TryCharge(Unknown, 1, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => tree.Leaf.ForceCharge(Unknown, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => tree.Leaf.Uncharge(Unknown, 1));
        Assert.Equal([0, 0, 0], tree.Memory);
    }

    [Fact]
    public void The_largest_charge_is_charged_and_given_back()
    {
        var tree = new TreeOfThree();
        tree.Leaf.Charge(MemoryKind.User, MemoryGroup.MaxChargeBytes);
        Assert.Equal(MemoryGroup.MaxChargeBytes, tree.Root.Memory.CurrentBytes);
        tree.Leaf.Uncharge(MemoryKind.User, MemoryGroup.MaxChargeBytes);
        Assert.Equal([0, 0, 0], tree.Memory);
    }

    [Fact]
    public void Zero_bytes_always_fit_and_change_nothing()
    {
        var tree = new TreeOfThree(root: new() { MaxBytes = 0, KernelMaxBytes = 0 });
        Assert.True(tree.Leaf.TryCharge(MemoryKind.Kernel, 0, out _));
        tree.Leaf.Uncharge(MemoryKind.Kernel, 0);
        Assert.Equal(default, tree.Root.ReadEvents());
    }
}
