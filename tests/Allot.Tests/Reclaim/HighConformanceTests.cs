namespace Allot.Tests.Reclaim;

/// <summary>The kernel's own tests of the high limit that have a meaning in a process, by their ids, in KiB for MiB. Its
/// page cache is a cache here, and its anonymous memory a charge.</summary>
public sealed class HighConformanceTests
{
    private const long KiB = 1024;

    private readonly SkippingTime _time = new();
    private readonly MemoryController _controller;

    public HighConformanceTests() => _controller = new MemoryController(options: new() { Time = _time });

    [Fact]
    public void M5_high_is_no_wall_and_caches_stay_below_it()
    {
        MemoryGroup group = _controller.Root.CreateChild("m5");
        Assert.Equal(MemoryGroup.Unlimited, group.HighBytes);
        group.HighBytes = 30 * KiB;

        group.Charge(MemoryKind.User, 31 * KiB);   // succeeds
        Assert.Equal(31 * KiB, group.Memory.CurrentBytes);
        group.Uncharge(MemoryKind.User, 31 * KiB);

        using TestCache cache = new TestCache(group, entryBytes: 128);
        for (int i = 0; i < 50 * KiB / 128; i++) cache.Insert();
        Assert.InRange(group.Memory.CurrentBytes, 30 * KiB * 95 / 100, 30 * KiB);
        Assert.InRange(group.ReadEvents().High, 1, long.MaxValue);
        Assert.Equal(0, group.ReadEvents().MemoryMax);
        Assert.Equal(0, group.ReadEvents().Oom);
    }

    [Fact]
    public void M6_one_huge_charge_is_throttled_before_it_meets_max()
    {
        MemoryGroup group = _controller.Root.CreateChild("m6", new() { HighBytes = 30 * KiB, MaxBytes = 140 * KiB });
        using TestCache cache = new TestCache(group, entryBytes: 128).Fill(30 * KiB);
        group.Charge(MemoryKind.User, 100 * KiB);
        MemoryEvents events = group.ReadEvents();
        Assert.InRange(events.High, 1, long.MaxValue);
        Assert.Equal(0, events.MemoryMax);
        Assert.Equal(0, cache.HeldBytes);
        Assert.InRange(_time.Slept, HighFormula.DelayFloor, HighFormula.DelayMax);
    }

    [Fact]
    public void M12_a_charge_that_may_not_wait_has_memory_reclaimed_elsewhere_on_the_account_of_the_group()
    {
        MemoryGroup group = _controller.Root.CreateChild("m12");
        using TestCache cache = new TestCache(group, entryBytes: 128).Fill(100 * KiB);
        cache.Instead = (_, target) =>
        {
            _time.Advance(TimeSpan.FromMilliseconds(1));
            return cache.Free(target);
        };
        group.HighBytes = group.Memory.CurrentBytes + (2 * KiB);

        for (int i = 0; i < 16; i++)
        {
            Assert.True(group.TryCharge(MemoryKind.User, KiB, out _));
            group.ForceCharge(MemoryKind.User, KiB);
        }

        bool isDown = SpinWait.SpinUntil(
            () => group.Memory.CurrentBytes <= group.HighBytes && group.ReadPressure().SomeTotal > TimeSpan.Zero,
            TimeSpan.FromMinutes(1));
        Assert.True(isDown);
        Assert.InRange(group.ReadEvents().High, 1, long.MaxValue);
        Assert.Equal(TimeSpan.Zero, _time.Slept);
    }
}
