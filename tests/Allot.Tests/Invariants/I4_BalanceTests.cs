namespace Allot.Tests;

/// <summary>I4: after the last release every counter on every level reads what it read before, whichever threads
/// charged and released.</summary>
public sealed class I4_BalanceTests
{
    [Fact]
    public void Bytes_charged_on_one_thread_return_on_another()
    {
        var tree = new TreeOfThree();
        var charges = new MemoryCharge[1000];
        Parallel.For(0, charges.Length, i => charges[i] = tree.Groups[i % 3].Hold((MemoryKind)(i % 2), i));
        Parallel.For(0, charges.Length, i => charges[^(i + 1)].Dispose());
        Assert.Equal([0, 0, 0], tree.Memory);
        Assert.Equal([0, 0, 0], tree.Kernel);
        Assert.Equal(default, tree.Root.ReadEvents());
    }

    [Fact]
    public void Every_counter_returns_to_where_it_was()
    {
        var tree = new TreeOfThree();
        tree.Leaf.Charge(MemoryKind.Kernel, 5);
        tree.Leaf.ForcePin(PinKind.Pinned, 6);
        MemoryStat before = tree.Leaf.ReadStat();

        tree.Leaf.Charge(MemoryKind.Kernel, 10);
        tree.Leaf.ForceCharge(MemoryKind.User, 11);
        tree.Leaf.ForcePin(PinKind.Locked, 12);
        Assert.True(tree.Leaf.TryPin(PinKind.Pinned, 13, out _));
        tree.Leaf.Unpin(PinKind.Pinned, 13);
        tree.Leaf.Unpin(PinKind.Locked, 12);
        tree.Leaf.Uncharge(MemoryKind.User, 11);
        tree.Leaf.Uncharge(MemoryKind.Kernel, 10);
        Assert.All(tree.Groups, group => Assert.Equal(before, group.ReadStat()));
    }
}
