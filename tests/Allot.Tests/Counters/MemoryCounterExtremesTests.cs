namespace Allot.Tests;

/// <summary>Amounts at the edge of a long: no sum wraps, and no limit is lost by it.</summary>
public sealed class MemoryCounterExtremesTests
{
    private const long Largest = MemoryGroup.MaxChargeBytes;
    private const int ChargesToTheTop = 1 << 17;   // of 2^46 each: 2^63

    [Fact]
    public void An_unlimited_counter_is_full_at_the_largest_long()
    {
        var counter = new MemoryCounter(null, MemoryGroup.Unlimited);
        for (int i = 0; i < ChargesToTheTop - 1; i++) Assert.True(counter.TryCharge(Largest, out _));
        Assert.False(counter.TryCharge(Largest, out _));
        Assert.True(counter.TryCharge(Largest - 1, out _));
        Assert.Equal(long.MaxValue, counter.CurrentBytes);
        Assert.False(counter.TryCharge(1, out _));
    }

    [Theory, InlineData(0L), InlineData(1L << 40), InlineData(MemoryGroup.Unlimited)]
    public void Forced_charges_stop_at_the_largest_long_and_the_limit_still_holds(long maxBytes)
    {
        var counter = new MemoryCounter(null, maxBytes);
        for (int i = 0; i < ChargesToTheTop + 10; i++) counter.ForceCharge(Largest);
        Assert.Equal(long.MaxValue, counter.CurrentBytes);
        Assert.False(counter.TryCharge(1, out _));

        // What was cut off is missing when it is given back, and is reported then.
        long missing = 0;
        for (int i = 0; i < ChargesToTheTop + 10; i++) missing += counter.Uncharge(Largest);
        Assert.Equal((10 * Largest) + 1, missing);
        Assert.Equal(0, counter.CurrentBytes);
        Assert.Equal(maxBytes, counter.MaxBytes);
    }

    [Fact]
    public void A_full_counter_takes_every_limit_there_is()
    {
        var counter = new MemoryCounter(null, 0);
        for (int i = 0; i < ChargesToTheTop; i++) counter.ForceCharge(Largest);
        foreach (long max in (long[])[MemoryGroup.Unlimited, 0, 1, long.MaxValue - 1, 1L << 62, MemoryGroup.Unlimited])
        {
            counter.MaxBytes = max;
            Assert.Equal(max, counter.MaxBytes);
            Assert.Equal(long.MaxValue, counter.CurrentBytes);
            Assert.False(counter.TryCharge(1, out _));
        }

        Assert.Equal(0, counter.Uncharge(Largest));
        Assert.True(counter.TryCharge(Largest, out _));
    }

    [Fact]
    public void A_charge_larger_than_the_whole_limit_is_refused_without_wrapping()
    {
        var counter = new MemoryCounter(null, 10);
        counter.ForceCharge(Largest);
        Assert.False(counter.TryCharge(Largest, out _));
        Assert.Equal(Largest, counter.CurrentBytes);
    }
}
