namespace Allot.Tests;

/// <summary>I3: what is shown is what is used, exact once threads are quiet.</summary>
public sealed class I3_HonestNumbersTests
{
    [Fact]
    public void After_racing_threads_every_level_shows_the_sum_of_what_stands()
    {
        var tree = new TreeOfThree();
        Parallel.For(0, 10_000, i =>
        {
            MemoryGroup group = tree.Groups[i % 3];
            group.Charge(i % 2 == 0 ? MemoryKind.User : MemoryKind.Kernel, 3);
            group.Uncharge(i % 2 == 0 ? MemoryKind.User : MemoryKind.Kernel, 2);
        });
        Assert.Equal(10_000, tree.Root.Memory.CurrentBytes);
        Assert.Equal(5_000, tree.Root.Kernel.CurrentBytes);
        Assert.Equal(3_333, tree.Leaf.Memory.CurrentBytes);
        Assert.Empty(TreeWalk.FindViolations(tree.Controller));
    }

    [Fact]
    public void A_limit_change_changes_no_use()
    {
        var tree = new TreeOfThree();
        tree.Leaf.Charge(MemoryKind.User, 70);
        foreach (long max in (long[])[0, 10, 70, 71, MemoryGroup.Unlimited, 1])
        {
            tree.Leaf.Memory.MaxBytes = max;
            Assert.Equal(70, tree.Leaf.Memory.CurrentBytes);
        }
    }
}
