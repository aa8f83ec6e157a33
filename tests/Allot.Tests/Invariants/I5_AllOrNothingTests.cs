namespace Allot.Tests;

/// <summary>I5: a refused charge changes no counter on any level, except the refusal events.</summary>
public sealed class I5_AllOrNothingTests
{
    [Theory]
    [InlineData(0, CounterKind.Memory)]
    [InlineData(1, CounterKind.Memory)]
    [InlineData(2, CounterKind.Memory)]
    [InlineData(0, CounterKind.Kernel)]
    [InlineData(1, CounterKind.Kernel)]
    [InlineData(2, CounterKind.Kernel)]
    public void Refused_on_any_level_by_either_counter_a_kernel_charge_leaves_no_trace(int level, CounterKind counter)
    {
        var tree = new TreeOfThree();
        foreach (MemoryGroup group in tree.Groups) group.Charge(MemoryKind.Kernel, 10);
        tree.Groups[level].Counter(counter).MaxBytes = tree.Groups[level].Counter(counter).CurrentBytes + 4;
        string before = tree.Snapshot();

        Assert.False(tree.Leaf.TryCharge(MemoryKind.Kernel, 5, out ChargeRefusal refusal));

        Assert.Same(tree.Groups[level], refusal.Limiter);
        Assert.Equal(counter, refusal.Counter);
        Assert.Equal(before, tree.Snapshot());
        Assert.Equal(1, tree.Root.ReadEvents().MemoryMax + tree.Root.ReadEvents().KernelMax);
        Assert.True(tree.Leaf.TryCharge(MemoryKind.Kernel, 4, out _));
    }

    [Fact]
    public void A_refused_charge_raises_no_peak_on_the_levels_that_had_agreed()
    {
        var tree = new TreeOfThree(root: new() { MaxBytes = 10 });
        Assert.False(tree.Leaf.TryCharge(MemoryKind.Kernel, 11, out _));
        Assert.All(tree.Groups, group => Assert.Equal((0, 0), (group.Memory.PeakBytes, group.Kernel.PeakBytes)));
    }
}
