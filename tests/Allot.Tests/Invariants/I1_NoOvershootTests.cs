namespace Allot.Tests;

/// <summary>I1: use never exceeds the limit by a normal charge, not for an instant, on any level. The instants are
/// enumerated in Allot.Model.Tests, and watched under load in Allot.Stress.</summary>
public sealed class I1_NoOvershootTests
{
    [Theory]
    [InlineData(0, 100, 100)]
    [InlineData(100, 0, 100)]
    [InlineData(100, 100, 0)]
    public void The_tightest_level_decides_wherever_it_is(long root, long middle, long leaf)
    {
        var tree = new TreeOfThree(new() { MaxBytes = root }, new() { MaxBytes = middle }, new() { MaxBytes = leaf });
        Assert.False(tree.Leaf.TryCharge(MemoryKind.User, 1, out _));
        Assert.Equal([0, 0, 0], tree.Memory);
    }

    [Fact]
    public void Racing_charges_fill_the_limit_exactly()
    {
        var tree = new TreeOfThree(middle: new() { MaxBytes = 5000 });
        int succeeded = 0;
        Parallel.For(0, 10_000, _ =>
        {
            if (tree.Leaf.TryCharge(MemoryKind.User, 1, out ChargeRefusal _)) Interlocked.Increment(ref succeeded);
        });
        Assert.Equal(5000, succeeded);
        Assert.Equal([5000, 5000, 5000], tree.Memory);
        Assert.Equal(5000, tree.Middle.Memory.PeakBytes);
        Assert.Equal(5000, tree.Middle.ReadLocalEvents().MemoryMax);
    }

    [Fact]
    public void A_lowered_limit_refuses_from_the_moment_it_is_set()
    {
        var tree = new TreeOfThree();
        tree.Leaf.Charge(MemoryKind.User, 100);
        tree.Root.Memory.MaxBytes = 100;
        Assert.False(tree.Leaf.TryCharge(MemoryKind.User, 1, out _));
        Assert.Equal(100, tree.Root.Memory.CurrentBytes);
    }
}
