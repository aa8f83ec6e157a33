namespace Allot.Tests;

/// <summary>I7: whoever frees, and wherever, the bytes return to the group recorded when they were charged, or to its
/// heir.</summary>
public sealed class I7_RecordedOnceTests
{
    [Fact]
    public void Bytes_return_to_the_recorded_group_whoever_disposes()
    {
        var tree = new TreeOfThree();
        MemoryCharge charge = tree.Leaf.Hold(MemoryKind.Kernel, 10);
        var thread = new Thread(charge.Dispose);
        thread.Start();
        thread.Join();
        Assert.Equal([0, 0, 0], tree.Kernel);
        Assert.Equal([0, 0, 0], tree.Memory);
    }

    [Fact]
    public void A_transfer_records_the_new_owner_and_forgets_the_old()
    {
        var tree = new TreeOfThree();
        MemoryGroup other = tree.Root.CreateChild("other");
        MemoryCharge charge = tree.Leaf.Hold(MemoryKind.User, 10);
        charge.TransferTo(other);
        tree.Leaf.Remove();
        other.Remove();
        Assert.Equal([10, 0, 0], tree.Memory);
        charge.Dispose();
        Assert.Equal([0, 0, 0], tree.Memory);
        Assert.Equal(0, other.Memory.RecordedBytes);
    }

    [Fact]
    public void The_heir_of_a_removed_group_is_the_nearest_that_is_left()
    {
        var tree = new TreeOfThree();
        MemoryGroup heir = tree.Leaf;
        MemoryGroup lower = heir.CreateChild("c");
        MemoryGroup lowest = lower.CreateChild("d");
        MemoryCharge charge = lowest.Hold(MemoryKind.User, 10);
        lowest.Remove();
        lower.Remove();
        Assert.Equal([10, 10, 10], tree.Memory);
        charge.Dispose();
        Assert.Equal([0, 0, 0], tree.Memory);
    }
}
