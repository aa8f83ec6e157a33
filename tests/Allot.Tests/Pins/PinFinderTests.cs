using Allot.Tests.Reclaim;

namespace Allot.Tests.Pins;

/// <summary>What is held for long is found, and where it began.</summary>
public sealed class PinFinderTests
{
    private readonly SteppedTime _time = new();
    private readonly MemoryController _tree;
    private readonly MemoryGroup _group;

    public PinFinderTests()
    {
        _tree = new MemoryController(options: new() { Time = _time });
        _group = _tree.Root.CreateChild("a");
    }

    [Fact]
    public void The_oldest_is_found_with_its_age()
    {
        using var first = new PinAccount(_group, new() { LockLimit = null, Source = PinSource.Device });
        using var second = new PinAccount(_group, new() { LockLimit = null });
        first.Pin(100);
        _time.Advance(TimeSpan.FromSeconds(10));
        second.Pin(10);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([100, 10], _group.FindPins().Select(pin => pin.Bytes));
        Assert.Equal([11, 1], _tree.Root.FindPins().Select(pin => pin.Age.TotalSeconds));
        PinReport old = Assert.Single(_group.FindPins(olderThan: TimeSpan.FromSeconds(5)));
        Assert.Equal((PinSource.Device, PinKind.Pinned, 100), (old.Source, old.Kind, old.Bytes));
        Assert.Equal("100 bytes of '/a', pinned (Device) for 11.000 s", old.ToString());
        Assert.EndsWith("owners 2\noldest_bytes 100\noldest_usec 11000000\n", _group.Files.Read("pins.stat"));
        first.Unpin(100);
        Assert.Equal(TimeSpan.FromSeconds(1), _group.ReadPinStat().Oldest!.Age);
        first.Pin(1);   // begins anew
        Assert.Equal(10, _group.ReadPinStat().Oldest!.Bytes);
    }

    [Fact]
    public void The_age_of_what_has_moved_to_a_tree_with_another_clock_is_by_the_clock_it_began_with()
    {
        var otherTime = new SteppedTime();
        otherTime.Advance(TimeSpan.FromDays(1));
        MemoryGroup other = new MemoryController(options: new() { Time = otherTime }).Root;
        MemoryGroup system = new MemoryController().Root;
        var worker = new PinWorker(_group);
        var options = new PinAccountOptions { LockLimit = null, Kind = PinKind.Locked };
        using var moved = new PinAccount(worker, options);
        using var young = new PinAccount(other, options);
        moved.Pin(100);
        _time.Advance(TimeSpan.FromSeconds(5));
        young.Pin(10);
        foreach (MemoryGroup next in (MemoryGroup[])[other, system, other])
        {
            worker.MoveTo(next);
            Assert.Equal(TimeSpan.FromSeconds(5), next.FindPins()[0].Age);
            Assert.Equal((100, TimeSpan.FromSeconds(5)), (next.ReadPinStat().Oldest!.Bytes, next.ReadPinStat().Oldest!.Age));
        }

        Assert.Equal([100, 10], other.FindPins().Select(pin => pin.Bytes));
        otherTime.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal([10, 100], other.FindPins().Select(pin => pin.Bytes));
        Assert.Equal(10, other.ReadPinStat().Oldest!.Bytes);
        moved.Unpin(100);
        moved.Pin(1);   // begins anew, by the clock of the tree that it is in now
        otherTime.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([7, 1], other.FindPins().Select(pin => pin.Age.TotalSeconds));
    }

    [Fact]
    public void What_a_removed_group_holds_is_found_below_its_heir_and_not_elsewhere()
    {
        MemoryGroup child = _group.CreateChild("b"), other = _tree.Root.CreateChild("c");
        using var account = new PinAccount(child, new() { LockLimit = null });
        account.Pin(1);
        child.Remove();
        Assert.Empty(child.FindPins());
        Assert.Empty(other.FindPins());
        Assert.Single(_group.FindPins());
        Assert.Equal(0, child.ReadPinStat().BytesOf(PinSource.Other));
        Assert.Equal(1, _group.ReadPinStat().BytesOf(PinSource.Other));
    }
}
