namespace Allot.Tests.Issues;

/// <summary>To grow by nothing in a group that has ended is refused, and gives nothing away (I8).</summary>
public sealed class GrowNothingTests
{
    [Fact]
    public void A_handle_of_a_removed_group_that_grows_by_nothing_in_a_scope_keeps_its_bytes()
    {
        MemoryGroup root = new MemoryController().Root, group = root.CreateChild("a");
        using MemoryCharge held = group.Hold(MemoryKind.User, 100);
        group.Remove();
        using (AllocationScope.NoFs())
        {
            Assert.Throws<MemoryLimitExceededException>(() => held.Grow(0));
        }

        Assert.Equal(100, held.Bytes);
        Assert.Equal(100, root.Memory.CurrentBytes);
    }
}
