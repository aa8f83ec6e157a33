using Allot.Tests.Slabs;

namespace Allot.Tests.Issues;

/// <summary>Inside of <see cref="AllocationScope.BlockAccounting"/> nobody pays, whenever the allocator was made.
/// </summary>
[Collection(AloneInProcess.Name)]
public sealed unsafe class ExemptAllocatorTests
{
    [Fact]
    public void An_allocator_from_outside_charges_nobody_inside()
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("a");
        GroupAllocator outside = group.Allocator();
        for (int i = 0; i < 1000; i++) outside.Free(outside.Allocate(64));   // the thread holds bytes in advance
        List<nint> blocks = [];
        using (AllocationScope.BlockAccounting())
        {
            for (int i = 0; i < 1000; i++) blocks.Add((nint)outside.Allocate(64));
        }

        long charged = group.Memory.CurrentBytes;
        foreach (nint block in blocks) outside.Free((byte*)block);
        Assert.Equal(0, charged);
    }
}
