namespace Allot.Tests;

/// <summary>Charging allocates nothing; the first event of a group may.</summary>
public sealed class HotPathTests
{
    private const int Rounds = 1000;

    private readonly TreeOfThree _tree = new(middle: new() { MaxBytes = 1000, PinsMaxBytes = 1000 });

    [Fact]
    public void Charging_and_uncharging_allocate_nothing()
    {
        AssertAllocatesNothing(() =>
        {
            _tree.Leaf.TryCharge(MemoryKind.User, 10, out _);
            _tree.Leaf.TryCharge(MemoryKind.Kernel, 10, out _);
            _tree.Leaf.Charge(MemoryKind.User, 10);
            _tree.Leaf.ForceCharge(MemoryKind.Kernel, 10);
            _tree.Leaf.Uncharge(MemoryKind.User, 20);
            _tree.Leaf.Uncharge(MemoryKind.Kernel, 20);
        });
        AssertEverythingWasChargedAndUncharged();
    }

    [Fact]
    public void Pinning_and_unpinning_allocate_nothing()
    {
        AssertAllocatesNothing(() =>
        {
            _tree.Leaf.TryPin(PinKind.Locked, 10, out _);
            _tree.Leaf.ForcePin(PinKind.Locked, 10);
            _tree.Leaf.Unpin(PinKind.Locked, 20);
        });
        AssertEverythingWasChargedAndUncharged();
    }

    [Fact]
    public void A_refused_charge_allocates_nothing_after_the_first()
    {
        int rounds = AssertAllocatesNothing(() =>
        {
            _tree.Leaf.TryCharge(MemoryKind.Kernel, 1001, out _);
            _tree.Leaf.TryPin(PinKind.Pinned, 1001, out _);
        });
        MemoryEvents events = _tree.Root.ReadEvents();
        Assert.Equal((rounds, rounds), (events.MemoryMax, events.PinsMax));
    }

    [Fact]
    public void Charging_with_open_peaks_allocates_nothing()
    {
        using PeakReader reader = _tree.Middle.Memory.OpenPeak();
        AssertAllocatesNothing(() =>
        {
            _tree.Leaf.TryCharge(MemoryKind.User, 10, out _);
            _tree.Leaf.Uncharge(MemoryKind.User, 10);
        });
    }

    [Fact]
    public void Growing_and_shrinking_a_handle_allocate_nothing()
    {
        using MemoryCharge charge = _tree.Leaf.Hold(MemoryKind.User);
        AssertAllocatesNothing(() =>
        {
            charge.TryGrow(10, out _);
            charge.Resize(5);
            charge.Shrink(5);
        });
    }

    [Fact]
    public void Reading_allocates_nothing() => AssertAllocatesNothing(() =>
    {
        _ = _tree.Leaf.Memory.CurrentBytes + _tree.Leaf.Memory.PeakBytes + _tree.Leaf.Memory.MaxBytes;
        _ = _tree.Leaf.ReadStat();
        _ = _tree.Leaf.ReadEvents();
    });

    [Fact]
    public void A_quiet_group_reads_its_events_without_having_counters_for_them()
    {
        MemoryGroup quiet = _tree.Root.CreateChild("quiet");
        AssertAllocatesNothing(() =>
        {
            quiet.TryCharge(MemoryKind.User, 1, out _);
            quiet.Uncharge(MemoryKind.User, 1);
            _ = quiet.ReadEvents();
        });
    }

    // Neither a refusal nor an excess: both would be events.
    private void AssertEverythingWasChargedAndUncharged()
    {
        Assert.Equal(default, _tree.Root.ReadEvents());
        Assert.Equal(default, _tree.Root.ReadStat());
        Assert.NotEqual(0, _tree.Leaf.Memory.PeakBytes + _tree.Leaf.Pins.PeakBytes);
    }

    private static int AssertAllocatesNothing(Action body) => Allocations.AssertNone(Rounds, body);
}
