using Allot.Processes.Supervision;

namespace Allot.Processes.Tests.Supervision;

public sealed class MirroredChargeTests
{
    private readonly MemoryGroup _group = new MemoryController().Root.CreateChild(
        "mirror", new MemoryGroupOptions { KernelMaxBytes = 100, PinsMaxBytes = MemoryGroup.Unlimited });

    [Fact]
    public void The_group_is_charged_the_amount_that_was_set_last()
    {
        var charge = new MirroredCharge(_group, MemoryKind.Kernel);
        charge.Set(70);
        Assert.Equal((70, 70), (charge.Bytes, _group.Kernel.CurrentBytes));
        charge.Set(30);
        Assert.Equal((30, 30), (charge.Bytes, _group.Kernel.CurrentBytes));
        charge.Set(0);
        Assert.Equal((0, 0), (charge.Bytes, _group.Kernel.CurrentBytes));
    }

    [Fact]
    public void What_is_set_may_pass_the_limit_and_what_is_added_may_not()
    {
        var charge = new MirroredCharge(_group, MemoryKind.Kernel);
        Assert.True(charge.TryAdd(60));
        Assert.False(charge.TryAdd(41));
        Assert.Equal((60, 60), (charge.Bytes, _group.Kernel.CurrentBytes));
        charge.Set(150);
        Assert.Equal((150, 150), (charge.Bytes, _group.Kernel.CurrentBytes));
        Assert.False(charge.TryAdd(1));
    }

    [Fact]
    public void Two_mirrors_of_one_counter_add_up()
    {
        var locked = new MirroredCharge(_group, PinKind.Locked);
        var pinned = new MirroredCharge(_group, PinKind.Pinned);
        locked.Set(10);
        pinned.Set(20);
        Assert.Equal(30, _group.Pins.CurrentBytes);
        locked.Set(0);
        Assert.Equal(20, _group.Pins.CurrentBytes);
    }

    [Fact]
    public void A_change_may_be_larger_than_the_largest_charge()
    {
        var charge = new MirroredCharge(_group, PinKind.Locked);
        long bytes = (3 * MemoryGroup.MaxChargeBytes) + 1;
        charge.Set(bytes);
        Assert.Equal(bytes, _group.Pins.CurrentBytes);
        charge.Set(0);
        Assert.Equal(0, _group.Pins.CurrentBytes);
    }
}
