using Allot.Processes.Supervision;

namespace Allot.Processes.Tests.Supervision;

public sealed class LatencyHistogramTests
{
    [Fact]
    public void Nothing_recorded_is_zero()
    {
        var histogram = new LatencyHistogram();
        Assert.Equal(0, histogram.Count);
        Assert.Equal(0, histogram.PercentileMicroseconds(0.5));
        Assert.Equal(0, histogram.PercentileMicroseconds(1));
    }

    [Theory]
    [InlineData(0), InlineData(1), InlineData(15), InlineData(16), InlineData(17), InlineData(1000), InlineData(5300)]
    [InlineData(1_000_000), InlineData(int.MaxValue), InlineData(1L << 40), InlineData(long.MaxValue)]
    public void One_time_is_found_again_within_four_percent(long nanoseconds)
    {
        var histogram = new LatencyHistogram();
        histogram.Record(nanoseconds);
        foreach (double share in new[] { 0.0001, 0.5, 0.99, 1 })
        {
            double found = histogram.PercentileMicroseconds(share) * 1000;
            Assert.InRange(found, nanoseconds * 0.96, (nanoseconds * 1.04) + 1);
        }
    }

    [Fact]
    public void Times_before_now_count_as_zero()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(-5);
        Assert.Equal(1, histogram.Count);
        Assert.Equal(0, histogram.PercentileMicroseconds(1));
    }

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 20)];

    [Theory, MemberData(nameof(Seeds))]
    public void Percentiles_agree_with_the_sorted_list(int seed)
    {
        var random = new Random(seed);
        var histogram = new LatencyHistogram();
        long[] times = [.. Enumerable.Range(0, random.Next(1, 3000)).Select(_ => random.NextInt64(1L << random.Next(4, 40)))];
        foreach (long time in times) histogram.Record(time);
        Array.Sort(times);
        Assert.Equal(times.Length, histogram.Count);

        double before = 0;
        foreach (double share in new[] { 0.01, 0.25, 0.5, 0.9, 0.99, 1 })
        {
            double exact = times[(int)Math.Ceiling(times.Length * share) - 1];
            double found = histogram.PercentileMicroseconds(share) * 1000;
            Assert.InRange(found, (exact * 0.96) - 1, (exact * 1.04) + 1);
            Assert.True(found >= before, "A larger share has a larger time.");
            before = found;
        }
    }
}
