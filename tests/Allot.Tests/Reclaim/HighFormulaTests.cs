namespace Allot.Tests.Reclaim;

/// <summary>The delay above the high limit: the table of Linux, and what lies beyond it.</summary>
public sealed class HighFormulaTests
{
    private const long MiB = 1 << 20;
    private const long Pages64 = 64 * 4096;

    [Theory]
    [InlineData(100, 0)]
    [InlineData(101, 6)]
    [InlineData(102, 25)]
    [InlineData(105, 159)]
    [InlineData(110, 639)]
    [InlineData(115, 1439)]
    [InlineData(117, 1849)]
    [InlineData(118, 2000)]
    [InlineData(1_000_000, 2000)]
    public void The_table_for_64_pages_above_100_MiB(long usedMiB, int milliseconds) =>
        Assert.Equal(milliseconds, (int)Delay((usedMiB - 100) * MiB, 100 * MiB, Pages64).TotalMilliseconds);

    [Theory]
    [InlineData(32, 319)]
    [InlineData(1, 9)]     // too short for a sleep
    [InlineData(201, 2000)]
    public void It_grows_with_what_was_charged(long pages, int milliseconds) =>
        Assert.Equal(milliseconds, (int)Delay(10 * MiB, 100 * MiB, pages * 4096).TotalMilliseconds);

    [Fact]
    public void A_limit_below_a_page_counts_as_a_page()
    {
        Assert.Equal(Delay(100, 4096, 100), Delay(100, 0, 100));
        Assert.Equal(Delay(100, 4096, 100), Delay(100, 4095, 100));
        Assert.NotEqual(Delay(100, 4096, 100_000), Delay(100, 8192, 100_000));
    }

    [Theory]
    [InlineData(long.MaxValue, 0, MemoryGroup.MaxChargeBytes)]
    [InlineData(long.MaxValue, 0, long.MaxValue)]
    [InlineData(long.MaxValue, 0, 1)]
    [InlineData(1L << 40, 4096, 1)]
    public void Far_above_it_is_the_longest_delay(long above, long high, long charged) =>
        Assert.Equal(HighFormula.DelayMax, Delay(above, high, charged));

    [Theory]
    [InlineData(0, 100, 100)]
    [InlineData(long.MaxValue, 1, 0)]
    [InlineData(1, long.MaxValue, long.MaxValue)]
    public void It_is_zero_where_there_is_nothing_to_pay(long above, long high, long charged) =>
        Assert.Equal(TimeSpan.Zero, Delay(above, high, charged));

    private static TimeSpan Delay(long above, long high, long charged) => HighFormula.Delay(above, high, charged);
}
