namespace Allot.Tests.Reclaim;

/// <summary>What threads hold in advance hides no charge from a high limit.</summary>
public sealed class HighReservesTests
{
    private const long MiB = 1 << 20;

    private readonly SkippingTime _time = new();
    private readonly MemoryController _controller;
    private readonly MemoryGroup _group;

    public HighReservesTests()
    {
        _controller = new MemoryController(options: new() { Time = _time });
        _group = _controller.Root.CreateChild("a").CreateChild("b");
    }

    [Fact]
    public void Above_the_limit_nothing_is_taken_in_advance()
    {
        _controller.Find("/a")!.HighBytes = 0;
        MakeBusy();
        Assert.Equal(0, _group.Memory.ReservedBytes);
        Assert.Equal(100, _controller.Find("/a")!.ReadLocalEvents().High);
    }

    [Fact]
    public void Near_the_limit_nothing_is_taken_in_advance()
    {
        _group.HighBytes = 8 * MiB;
        MakeBusy();
        Assert.NotEqual(0, _group.Memory.ReservedBytes);
        _controller.Reserves.TakeBack(_group.Memory);
        _group.Charge(MemoryKind.User, (8 * MiB) - 60_000);
        MakeBusy();
        Assert.Equal(0, _group.Memory.ReservedBytes);
        Assert.Equal(0, _group.ReadEvents().High);
    }

    [Fact]
    public void A_limit_set_below_use_is_seen_by_the_next_charge_of_a_busy_thread()
    {
        using var busy = new Sleeper(MakeBusy);
        _group.Charge(MemoryKind.User, MiB);
        Assert.NotEqual(0, _group.Memory.ReservedBytes);
        _group.HighBytes = MiB / 2;
        Assert.Equal(0, _group.Memory.ReservedBytes);
        Assert.Equal(0, _group.ReadEvents().High);
        busy.Ask(() =>
        {
            _group.Charge(MemoryKind.User, 10);
            return true;
        });
        Assert.Equal(1, _group.ReadEvents().High);
    }

    [Fact]
    public void What_others_hold_is_taken_back_when_it_is_passed_and_is_not_used()
    {
        _group.HighBytes = 8 * MiB;
        using var busy = new Sleeper(() =>
        {
            for (int i = 0; i < 1000; i++) _group.Charge(MemoryKind.User, 4096);
            for (int i = 0; i < 1000; i++) _group.Uncharge(MemoryKind.User, 4096);
        });
        long reserved = _group.Memory.ReservedBytes;
        Assert.NotEqual(0, reserved);
        _group.Charge(MemoryKind.User, (8 * MiB) - reserved + 1);   // above with the reserve, below without
        Assert.Equal(0, _group.ReadEvents().High);
        Assert.Equal(0, _group.Memory.ReservedBytes);
        _group.Charge(MemoryKind.User, reserved);
        Assert.Equal(1, _group.ReadEvents().High);
    }

    [Fact]
    public void A_large_charge_of_any_sort_past_the_limit_leaves_no_thread_a_reserve()
    {
        _group.HighBytes = 8 * MiB;
        MakeBusy();
        Assert.NotEqual(0, _group.Memory.ReservedBytes);
        Assert.True(_group.TryCharge(MemoryKind.User, 9 * MiB, out _));
        Assert.Equal(0, _group.Memory.ReservedBytes);
        _group.Uncharge(MemoryKind.User, 9 * MiB);
        MakeBusy();
        Assert.NotEqual(0, _group.Memory.ReservedBytes);
        _group.ForceCharge(MemoryKind.User, 9 * MiB);
        Assert.Equal(0, _group.Memory.ReservedBytes);
    }

    [Fact]
    public void A_hard_limit_can_be_changed_above_a_high_one()
    {
        _group.HighBytes = 8 * MiB;
        MakeBusy();
        _group.Memory.MaxBytes = 16 * MiB;
        Assert.Equal(0, _group.Memory.ReservedBytes);
        MakeBusy();
        Assert.NotEqual(0, _group.Memory.ReservedBytes);
        _group.Charge(MemoryKind.User, 12 * MiB);
        _group.Memory.MaxBytes = MemoryGroup.Unlimited;
        MakeBusy();
        Assert.Equal(0, _group.Memory.ReservedBytes);
        Assert.Equal(12 * MiB, _group.Memory.CurrentBytes);
    }

    private void MakeBusy()
    {
        for (int i = 0; i < 100; i++)
        {
            _group.Charge(MemoryKind.User, 10);
            _group.Uncharge(MemoryKind.User, 10);
        }
    }
}
