namespace Allot.Tests.Reclaim;

public sealed class ScanShareTests
{
    [Theory]
    [InlineData(12, 48, 48)]          // too little for a batch: all of it is deferred
    [InlineData(6, 3_124, 3_124)]     // 24 batches
    [InlineData(0, 200_000, 200_000)]
    public void The_share_doubles_from_round_to_round(int priority, long delta, long total)
    {
        Assert.Equal(delta, ScanShare.Delta(100_000, priority, cost: 2));
        Assert.Equal(total, ScanShare.Total(0, delta, 100_000, priority));
    }

    [Fact]
    public void Twice_the_cost_is_half_the_share()
    {
        Assert.Equal(2_000, ScanShare.Delta(1_000, 0, cost: 2));
        Assert.Equal(1_000, ScanShare.Delta(1_000, 0, cost: 4));
        Assert.Equal(4_000, ScanShare.Delta(1_000, 0, cost: 1));
    }

    [Theory, InlineData(12), InlineData(0)]
    public void What_costs_nothing_gives_half_at_every_priority(int priority) =>
        Assert.Equal(500, ScanShare.Delta(1_000, priority, cost: 0));

    [Fact]
    public void Less_than_a_batch_is_asked_for_only_if_it_is_everything()
    {
        Assert.False(ScanShare.IsWorthAsking(48, 128, 100_000));
        Assert.True(ScanShare.IsWorthAsking(128, 128, 100_000));
        Assert.True(ScanShare.IsWorthAsking(48, 128, 48));
        Assert.False(ScanShare.IsWorthAsking(0, 128, 0));
    }

    [Fact]
    public void Deferred_work_counts_more_when_it_is_urgent_and_is_bounded_by_what_is_held()
    {
        Assert.Equal(1 + 10, ScanShare.Total(4_096, 10, 100_000, priority: 12));
        Assert.Equal(4_096 + 10, ScanShare.Total(4_096, 10, 100_000, priority: 0));
        Assert.Equal(200, ScanShare.Total(1_000_000, 10, 100, priority: 0));
        Assert.Equal(200, ScanShare.Deferred(1_000_000, 10, 0, 100));
        Assert.Equal(0, ScanShare.Deferred(0, 10, 50, 100));
        Assert.Equal(70, ScanShare.Deferred(100, 20, 50, 100));
    }

    [Fact]
    public void Protection_lowers_the_share()
    {
        Assert.Equal(1_000, ScanShare.Unprotected(1_000, 1_000, 0, 1));
        Assert.Equal(501, ScanShare.Unprotected(1_000, 1_000, 500, 1));
        Assert.Equal(64, ScanShare.Unprotected(1_000, 1_001, 1_000, 64));   // at least a batch
        Assert.Equal(10, ScanShare.Unprotected(10, 1_001, 1_000, 64));      // but not more than there is
    }

    [Fact]
    public void The_default_batch_is_a_sixteenth_and_bounded()
    {
        Assert.Equal(1, ScanShare.Batch(null, 3));
        Assert.Equal(100, ScanShare.Batch(null, 1_600));
        Assert.Equal(64 << 10, ScanShare.Batch(null, 1L << 40));
        Assert.Equal(5, ScanShare.Batch(5, 1L << 40));
    }

    [Fact]
    public void Nothing_wraps_at_the_largest_numbers()
    {
        long held = ScanShare.HeldBytesMax;
        long delta = ScanShare.Delta(held, 0, cost: 1);
        Assert.Equal(1L << 62, delta);
        Assert.Equal(2 * held, ScanShare.Total(2 * held, delta, held, 0));
        Assert.Equal(2 * held, ScanShare.Deferred(2 * held, delta, 0, held));
        Assert.Equal(1, ScanShare.Unprotected(held, long.MaxValue, long.MaxValue, 1));
    }
}
