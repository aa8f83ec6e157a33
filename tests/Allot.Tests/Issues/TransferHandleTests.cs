using Allot.Tests.Scopes;

namespace Allot.Tests.Issues;

/// <summary>A transfer that throws leaves no handle at its target. Such a handle would be there for ever, and the target
/// could never start to count its kernel memory.</summary>
[Collection(ChecksSwitch.Name)]
public sealed class TransferHandleTests
{
    [Fact]
    public void A_transfer_that_throws_leaves_no_handle_at_its_target()
    {
        using var on = new ChecksOn();
        MemoryGroup source = new MemoryController().Root.CreateChild("s");
        MemoryGroup target = new MemoryController(options: new()
        {
            KernelAccounting = KernelAccountingMode.OnFirstLimit,
        }).Root.CreateChild("t");
        using MemoryCharge held = source.Hold(MemoryKind.User, 10);
        using (AllocationScope.DenyAllocations())
        {
            Assert.Throws<AllocationDeniedException>(() => held.TryTransferTo(target, out _));
        }

        Assert.Same(source, held.Group);
        Assert.Equal(10, source.Memory.CurrentBytes);
        Assert.Equal(0, target.KernelAccounting.Handles);
        target.Kernel.MaxBytes = 100;
        Assert.True(target.CountsKernelMemory);
        held.TransferTo(target);
        Assert.Equal((0, 10), (source.Memory.CurrentBytes, target.Memory.CurrentBytes));
    }
}
