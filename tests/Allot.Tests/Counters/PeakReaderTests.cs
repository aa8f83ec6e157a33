namespace Allot.Tests;

public sealed class PeakReaderTests
{
    private readonly MemoryGroup _group = new MemoryController().Root.CreateChild("a");

    [Fact]
    public void A_reader_starts_at_what_is_in_use_when_it_is_opened()
    {
        _group.Charge(MemoryKind.User, 100);
        _group.Uncharge(MemoryKind.User, 60);
        using PeakReader reader = _group.Memory.OpenPeak();
        Assert.Equal(40, reader.PeakBytes);
        Assert.Equal(100, _group.Memory.PeakBytes);
    }

    [Fact]
    public void A_reader_keeps_the_most_since_it_was_opened()
    {
        using PeakReader reader = _group.Memory.OpenPeak();
        _group.Charge(MemoryKind.User, 100);
        _group.Uncharge(MemoryKind.User, 100);
        _group.Charge(MemoryKind.User, 30);
        Assert.Equal(100, reader.PeakBytes);
    }

    [Fact]
    public void Resetting_starts_again_from_what_is_in_use_and_disturbs_nobody_else()
    {
        using PeakReader first = _group.Memory.OpenPeak();
        using PeakReader second = _group.Memory.OpenPeak();
        _group.Charge(MemoryKind.User, 100);
        _group.Uncharge(MemoryKind.User, 90);
        first.Reset();
        Assert.Equal(10, first.PeakBytes);
        Assert.Equal(100, second.PeakBytes);
        Assert.Equal(100, _group.Memory.PeakBytes);
    }

    [Fact]
    public void A_refused_charge_raises_no_peak()
    {
        _group.Memory.MaxBytes = 50;
        using PeakReader reader = _group.Memory.OpenPeak();
        Assert.False(_group.TryCharge(MemoryKind.Kernel, 51, out _));
        Assert.Equal(0, reader.PeakBytes);
        Assert.Equal(0, _group.Kernel.PeakBytes);
    }

    [Fact]
    public void A_forced_charge_raises_the_peak()
    {
        using PeakReader reader = _group.Kernel.OpenPeak();
        _group.ForceCharge(MemoryKind.Kernel, 7);
        Assert.Equal(7, reader.PeakBytes);
    }

    [Fact]
    public void A_disposed_reader_keeps_its_last_value_and_the_others_go_on()
    {
        using PeakReader stays = _group.Memory.OpenPeak();
        PeakReader goes = _group.Memory.OpenPeak();
        _group.Charge(MemoryKind.User, 10);
        goes.Dispose();
        goes.Dispose();
        _group.Charge(MemoryKind.User, 10);
        Assert.Equal(10, goes.PeakBytes);
        Assert.Equal(20, stays.PeakBytes);
    }

    [Fact]
    public void A_removed_group_reads_zero_also_to_a_reader_that_starts_again()
    {
        using PeakReader reader = _group.Memory.OpenPeak();
        _group.Charge(MemoryKind.User, 10);
        _group.Remove();
        Assert.Equal(10, reader.PeakBytes);
        reader.Reset();
        Assert.Equal(0, reader.PeakBytes);
    }
}
