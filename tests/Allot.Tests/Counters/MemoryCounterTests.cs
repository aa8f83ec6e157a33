namespace Allot.Tests;

public sealed class MemoryCounterTests
{
    [Fact]
    public void A_new_counter_reads_zero_and_its_limit()
    {
        var counter = new MemoryCounter(null, 100);
        Assert.Equal(0, counter.CurrentBytes);
        Assert.Equal(0, counter.PeakBytes);
        Assert.Equal(100, counter.MaxBytes);
    }

    [Fact]
    public void A_charge_up_to_the_limit_fits_and_one_byte_more_does_not()
    {
        var counter = new MemoryCounter(null, 100);
        Assert.True(counter.TryCharge(99, out _));
        Assert.True(counter.TryCharge(1, out _));
        Assert.False(counter.TryCharge(1, out MemoryCounter? limiter));
        Assert.Same(counter, limiter);
        Assert.Equal(100, counter.CurrentBytes);
    }

    [Fact]
    public void What_two_counters_share_is_found_however_deep_they_are()
    {
        const int Levels = 10_000;
        var root = new MemoryCounter(null, 100);
        var fork = new MemoryCounter(root, 100);
        MemoryCounter left = fork, right = fork;
        for (int i = 0; i < Levels; i++)
        {
            left = new MemoryCounter(left, 100);
            right = new MemoryCounter(right, 100);
        }

        MemoryCounter deeper = new(new MemoryCounter(right, 100), 100);
        Assert.Same(fork, left.FindShared(right));
        Assert.Same(fork, left.FindShared(deeper));
        Assert.Same(fork, deeper.FindShared(left));
        Assert.Same(right, deeper.FindShared(right));
        Assert.Same(right, right.FindShared(deeper));
        Assert.Same(left, left.FindShared(left));
        Assert.Same(root, root.FindShared(left));
        Assert.Null(left.FindShared(new MemoryCounter(null, 100)));
        Assert.Null(new MemoryCounter(null, 100).FindShared(left));
    }

    [Fact]
    public void The_limiter_is_the_lowest_level_without_room()
    {
        var root = new MemoryCounter(null, 10);
        var middle = new MemoryCounter(root, 10);
        var leaf = new MemoryCounter(middle, 100);
        Assert.False(leaf.TryCharge(11, out MemoryCounter? limiter));
        Assert.Same(middle, limiter);
    }

    [Fact]
    public void Zero_bytes_fit_even_above_a_lowered_limit()
    {
        var counter = new MemoryCounter(null, 100);
        counter.TryCharge(100, out _);
        counter.MaxBytes = 10;
        Assert.True(counter.TryCharge(0, out MemoryCounter? limiter));
        Assert.Null(limiter);
    }

    [Fact]
    public void A_limit_of_zero_means_zero_bytes()
    {
        var counter = new MemoryCounter(null, 0);
        Assert.False(counter.TryCharge(1, out _));
        Assert.True(counter.TryCharge(0, out _));
    }

    [Fact]
    public void A_limit_lowered_below_use_takes_nothing_back_but_refuses_until_there_is_room()
    {
        var counter = new MemoryCounter(null, 100);
        counter.TryCharge(80, out _);
        counter.MaxBytes = 50;
        Assert.Equal(80, counter.CurrentBytes);
        Assert.False(counter.TryCharge(1, out _));
        Assert.Equal(0, counter.Uncharge(30));
        Assert.False(counter.TryCharge(1, out _));
        Assert.Equal(0, counter.Uncharge(1));
        Assert.True(counter.TryCharge(1, out _));
    }

    [Fact]
    public void A_negative_limit_is_refused_and_changes_nothing()
    {
        var counter = new MemoryCounter(null, 100);
        Assert.Throws<ArgumentOutOfRangeException>(() => counter.MaxBytes = -1);
        Assert.Equal(100, counter.MaxBytes);
    }

    [Fact]
    public void A_forced_charge_passes_the_limit_and_says_so()
    {
        var counter = new MemoryCounter(null, 100);
        Assert.False(counter.ForceChargeLevel(100));
        Assert.True(counter.ForceChargeLevel(1));
        Assert.False(counter.ForceChargeLevel(0));
        Assert.Equal(101, counter.CurrentBytes);
        Assert.Equal(101, counter.PeakBytes);
    }

    [Fact]
    public void An_uncharge_of_more_than_there_is_gives_what_there_is_and_spares_the_ancestors()
    {
        var root = new MemoryCounter(null, 1000);
        var leaf = new MemoryCounter(root, 1000);
        root.TryCharge(500, out _);
        leaf.TryCharge(40, out _);
        Assert.Equal(60, leaf.Uncharge(100));
        Assert.Equal(0, leaf.CurrentBytes);
        Assert.Equal(500, root.CurrentBytes);
    }

    [Fact]
    public void The_peak_is_that_of_charges_that_stand()
    {
        var root = new MemoryCounter(null, 50);
        var leaf = new MemoryCounter(root, 1000);
        Assert.True(leaf.TryCharge(30, out _));
        leaf.NotePeaks();
        Assert.False(leaf.TryCharge(100, out _));
        leaf.Uncharge(30);
        Assert.Equal(30, leaf.PeakBytes);
        Assert.Equal(30, root.PeakBytes);
    }

    [Fact]
    public void A_detached_counter_reads_zero_but_its_bytes_still_return_to_its_ancestors()
    {
        var root = new MemoryCounter(null, 100);
        var leaf = new MemoryCounter(root, 100);
        leaf.TryCharge(30, out _);
        leaf.Detach();
        Assert.Equal(0, leaf.CurrentBytes);
        Assert.Equal(30, leaf.RecordedBytes);
        Assert.Equal(30, root.CurrentBytes);
        Assert.Equal(0, leaf.Uncharge(30));
        Assert.Equal(0, leaf.RecordedBytes);
        Assert.Equal(0, root.CurrentBytes);
    }

    [Fact]
    public void The_limit_and_the_peak_of_a_detached_counter_act_no_more()
    {
        var root = new MemoryCounter(null, 100);
        var leaf = new MemoryCounter(root, 10);
        leaf.ForceCharge(5);
        leaf.Detach();
        Assert.False(leaf.ForceChargeLevel(50));
        Assert.Equal(5, leaf.PeakBytes);
    }

    [Fact]
    public void What_is_available_is_the_smallest_room_on_the_way_to_the_root()
    {
        var root = new MemoryCounter(null, 100);
        var leaf = new MemoryCounter(root, 70);
        Assert.Equal(70, leaf.AvailableBytes);
        root.ForceCharge(60);
        Assert.Equal(40, leaf.AvailableBytes);
        Assert.True(leaf.TryCharge(leaf.AvailableBytes, out _));
        Assert.Equal(0, leaf.AvailableBytes);
        root.MaxBytes = 10;
        Assert.Equal(0, leaf.AvailableBytes);
    }

    [Fact]
    public void Without_limits_all_is_available_and_to_a_removed_group_nothing_is()
    {
        var counter = new MemoryCounter(null, MemoryGroup.Unlimited);
        Assert.Equal(MemoryGroup.Unlimited, counter.AvailableBytes);
        counter.Detach();
        Assert.Equal(0, counter.AvailableBytes);
    }
}
