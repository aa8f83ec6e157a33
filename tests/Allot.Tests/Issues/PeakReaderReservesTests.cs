namespace Allot.Tests.Issues;

/// <summary>A reader of a peak has to ask for what threads spend from what they hold in advance, as the peak of all time
/// does: the charges themselves do not tell it. And what was spent before a reset is not its peak.</summary>
public sealed class PeakReaderReservesTests
{
    private readonly MemoryGroup _group = new MemoryController().Root.CreateChild("a");

    [Fact]
    public void A_reader_sees_what_is_spent_from_a_reserve()
    {
        using PeakReader reader = _group.Memory.OpenPeak();
        ChargeOften(100);
        Assert.Equal((1000, 1000), (_group.Memory.CurrentBytes, reader.PeakBytes));
        reader.Reset();
        ChargeOften(100);
        Assert.Equal((2000, 2000), (_group.Memory.CurrentBytes, reader.PeakBytes));
    }

    [Fact]
    public void A_disposed_reader_has_seen_what_was_spent()
    {
        PeakReader reader = _group.Memory.OpenPeak();
        ChargeOften(100);
        reader.Dispose();
        ChargeOften(100);
        Assert.Equal(1000, reader.PeakBytes);
    }

    [Fact]
    public void What_a_reserve_saw_before_the_reset_is_not_the_peak_after_it()
    {
        using PeakReader reader = _group.Memory.OpenPeak();
        ChargeOften(100);
        for (int i = 0; i < 100; i++) _group.Uncharge(MemoryKind.User, 10);
        reader.Reset();
        Assert.Equal(0, reader.PeakBytes);
        _group.Charge(MemoryKind.User, 30);
        Assert.Equal((30, 1000), (reader.PeakBytes, _group.Memory.PeakBytes));
    }

    private void ChargeOften(int times)
    {
        for (int i = 0; i < times; i++) _group.Charge(MemoryKind.User, 10);
    }
}
