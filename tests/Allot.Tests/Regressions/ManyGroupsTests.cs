namespace Allot.Tests.Regressions;

/// <summary>What other controllers run out of, and what must not refuse anybody.</summary>
public sealed class ManyGroupsTests
{
    // Linux has 65,535 numbers for memory groups.
    [Fact]
    public void More_groups_than_sixteen_bits_can_number_live_and_charge_at_once()
    {
        const int Groups = (1 << 16) + 1_000;
        var tree = new MemoryController();
        MemoryGroup[] groups = [.. Enumerable.Range(0, Groups).Select(i => tree.Root.CreateChild($"g{i}"))];
        foreach (MemoryGroup group in groups) group.Charge(MemoryKind.User, 1);
        Assert.Equal(Groups, tree.Root.Memory.CurrentBytes);
        Assert.All(groups, group => Assert.Equal(1, group.Memory.CurrentBytes));
        foreach (MemoryGroup group in groups) group.Remove();
        Assert.Empty(tree.Root.Children);
        Assert.Equal(Groups, tree.Root.Memory.CurrentBytes);
    }

    // Names that are used over and over: nothing of those before is left that could run out or be mistaken.
    [Fact]
    public void One_name_serves_more_groups_than_sixteen_bits_can_number()
    {
        const int Groups = (1 << 16) + 1_000;
        var tree = new MemoryController();
        MemoryGroup? last = null;
        for (int i = 0; i < Groups; i++)
        {
            last = tree.Root.CreateChild("tenant");
            last.Charge(MemoryKind.User, 1);
            Assert.Equal(1, last.Memory.CurrentBytes);
            last.Uncharge(MemoryKind.User, 1);
            last.Remove();
        }

        Assert.Equal(MemoryGroupState.Offline, last?.State);
        Assert.Equal((0, default), (tree.Root.Memory.RecordedBytes, tree.Root.ReadEvents()));
    }

    // Memory of the process that nobody charged: fragments, code, other libraries.
    [Fact]
    public void Memory_that_nobody_charged_refuses_nobody()
    {
        const int Limit = 1 << 20;
        var tree = new MemoryController(new() { MaxBytes = Limit });
        byte[][] uncharged = [.. Enumerable.Range(0, 8).Select(_ => new byte[2 * Limit])];
        foreach (byte[] block in uncharged) Array.Fill(block, (byte)1);
        Assert.True(Environment.WorkingSet > 8 * Limit);
        Assert.True(tree.Root.TryCharge(MemoryKind.User, Limit, out _));
        Assert.Equal((Limit, default), (tree.Root.Memory.CurrentBytes, tree.Root.ReadEvents()));
        GC.KeepAlive(uncharged);
    }
}
