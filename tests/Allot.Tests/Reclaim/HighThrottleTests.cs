namespace Allot.Tests.Reclaim;

/// <summary>A charge that leaves a group above its high limit reclaims, is delayed by the formula, and returns.</summary>
public sealed class HighThrottleTests
{
    private const long MiB = 1 << 20;
    private const long Pages64 = 64 * 4096;

    private readonly SkippingTime _time = new();
    private readonly MemoryController _controller;
    private readonly MemoryGroup _middle;
    private readonly MemoryGroup _leaf;

    public HighThrottleTests()
    {
        _controller = new MemoryController(options: new() { Time = _time, HighDelayMax = TimeSpan.FromSeconds(2) });
        _middle = _controller.Root.CreateChild("a", new() { HighBytes = 100 * MiB });
        _leaf = _middle.CreateChild("b");
    }

    [Theory]
    [InlineData(101, 0)]
    [InlineData(102, 25)]
    [InlineData(110, 639)]
    [InlineData(118, 2000)]
    public void The_delay_is_that_of_the_formula(long usedMiB, int milliseconds)
    {
        FillTo((usedMiB * MiB) - Pages64);
        _leaf.Charge(MemoryKind.User, Pages64);
        AssertSlept(milliseconds);
        MemoryEvents events = _middle.ReadLocalEvents();
        Assert.Equal(1, events.High);
        Assert.Equal(milliseconds > 0 ? 1 : 0, events.HighDelays);
        Assert.Equal(0, events.HighDeadlines);
        Assert.Equal(events, _controller.Root.ReadEvents());
        Assert.Equal(default, _leaf.ReadEvents());
    }

    [Fact]
    public void An_awaited_charge_calls_no_reclaimer_and_is_not_delayed_where_the_scope_forbids_it()
    {
        int mine = 0;
        int me = Environment.CurrentManagedThreadId;
        using TestCache cache = new TestCache(_middle, entryBytes: MiB).Fill(MiB);
        cache.Instead = (_, _) => Environment.CurrentManagedThreadId == me ? ++mine * 0L : 0L;   // others may reclaim
        FillTo((110 * MiB) - Pages64);
        using (AllocationScope.NoReclaim())
        {
            Task charged = _leaf.ChargeAsync(MemoryKind.User, Pages64, CancellationToken.None).AsTask();
            Assert.True(charged.IsCompletedSuccessfully);
        }

        Assert.Equal(0, mine);
        AssertSlept(0);
        _leaf.Charge(MemoryKind.User, 1);
        Assert.NotEqual(0, mine);
    }

    [Fact]
    public void Kernel_memory_is_delayed_too()
    {
        FillTo((110 * MiB) - Pages64);
        _leaf.Charge(MemoryKind.Kernel, Pages64);
        AssertSlept(639);
    }

    [Fact]
    public void At_the_limit_nobody_is_delayed()
    {
        _leaf.Charge(MemoryKind.User, 100 * MiB);
        Assert.Equal(default, _middle.ReadEvents());
        _leaf.Charge(MemoryKind.User, 0);
        _leaf.Charge(MemoryKind.User, 1);
        Assert.Equal(1, _middle.ReadEvents().High);
        _leaf.Charge(MemoryKind.User, 0);
        Assert.Equal(1, _middle.ReadEvents().High);
    }

    [Fact]
    public void The_longest_delay_of_all_levels_counts_and_each_level_above_has_its_event()
    {
        _leaf.HighBytes = 200 * MiB;
        _controller.Root.HighBytes = 99 * MiB;
        FillTo((102 * MiB) - Pages64);
        _leaf.Charge(MemoryKind.User, Pages64);
        AssertSlept(58);   // (3/99)^2 * 64 s, at the root
        Assert.Equal(0, _leaf.ReadLocalEvents().High);
        Assert.Equal((1, 0), (_middle.ReadLocalEvents().High, _middle.ReadLocalEvents().HighDelays));
        Assert.Equal((1, 1), (_controller.Root.ReadLocalEvents().High, _controller.Root.ReadLocalEvents().HighDelays));
        Assert.Equal(2, _controller.Root.ReadEvents().High);
    }

    [Fact]
    public void Many_small_charges_are_delayed_like_a_large_one()
    {
        FillTo(108 * MiB);
        for (int i = 0; i < 64; i++) _leaf.Charge(MemoryKind.User, 4096);
        Assert.InRange(_time.Slept.TotalMilliseconds, 410, 450);   // 0.08^2 * 64 s, and more as it grows
        Assert.InRange(_middle.ReadLocalEvents().HighDelays, 20, 40);
    }

    [Fact]
    public void What_is_too_little_for_a_sleep_is_forgiven_in_the_end()
    {
        FillTo(100 * MiB);
        for (int i = 0; i < 1000; i++)
        {
            _leaf.Charge(MemoryKind.User, 4096);   // up to 104 MiB
            if (i < 200) Assert.Equal(TimeSpan.Zero, _time.Slept);
        }

        Assert.InRange(_time.Slept.TotalMilliseconds, 100, 700);
    }

    [Fact]
    public void The_deadline_ends_the_delay_and_the_charge_stands()
    {
        MemoryGroup group = WithDeadline(TimeSpan.FromMilliseconds(300)).CreateChild("c", new() { HighBytes = 1000 });
        group.Charge(MemoryKind.User, MiB);
        Assert.Equal(TimeSpan.FromMilliseconds(300), _time.Slept);
        Assert.Equal(MiB, group.Memory.CurrentBytes);
        MemoryEvents events = group.ReadLocalEvents();
        Assert.Equal((1, 1, 1), (events.High, events.HighDelays, events.HighDeadlines));
    }

    [Fact]
    public void Without_time_nothing_is_delayed_and_it_is_counted()
    {
        MemoryGroup group = WithDeadline(TimeSpan.Zero).CreateChild("c", new() { HighBytes = 1000 });
        group.Charge(MemoryKind.User, MiB);
        Assert.Equal(TimeSpan.Zero, _time.Slept);
        MemoryEvents events = group.ReadLocalEvents();
        Assert.Equal((1, 0, 1), (events.High, events.HighDelays, events.HighDeadlines));
    }

    [Fact]
    public void A_reclaimer_that_makes_hardly_any_progress_holds_nobody_up_beyond_the_deadline()
    {
        using TestCache cache = new TestCache(_leaf, entryBytes: MiB).Fill(100 * MiB);
        cache.Instead = (_, _) =>
        {
            _time.Advance(TimeSpan.FromMilliseconds(300));
            return cache.Free(1);
        };
        long start = _time.GetTimestamp();
        _leaf.Charge(MemoryKind.User, 50 * MiB);
        Assert.InRange(_time.GetElapsedTime(start).TotalSeconds, 2, 2.7);
        Assert.InRange(cache.Asked.Count, 6, 9);
        Assert.Equal(1, _middle.ReadLocalEvents().HighDeadlines);
    }

    [Fact]
    public void Reclaim_comes_first_and_spares_the_delay()
    {
        using TestCache cache = new TestCache(_leaf, entryBytes: 4096).Fill(100 * MiB);
        for (int i = 0; i < 100; i++) _leaf.Charge(MemoryKind.User, MiB / 2);
        Assert.Equal(TimeSpan.Zero, _time.Slept);
        Assert.InRange(_middle.Memory.CurrentBytes, 99 * MiB, 100 * MiB);
        Assert.InRange(_middle.ReadLocalEvents().High, 50, 100);
        Assert.Equal(0, _middle.ReadLocalEvents().HighDelays);
        Assert.Equal(0, _middle.ReadLocalEvents().MemoryMax);
        Assert.InRange(_middle.ReadPressure().SomeTotal, TimeSpan.Zero, TimeSpan.Zero);   // the clock stood still
    }

    [Fact]
    public void When_reclaim_ends_too_early_the_rest_is_delayed()
    {
        using TestCache cache = new TestCache(_leaf, entryBytes: 4096).Fill(8 * MiB);
        FillTo((118 * MiB) - Pages64);
        _leaf.Charge(MemoryKind.User, Pages64);
        Assert.Equal(0, cache.HeldBytes);
        AssertSlept(639);   // 110 MiB are left
        Assert.InRange(_middle.ReadLocalEvents().High, 3, 100);
    }

    [Fact]
    public void The_delay_ends_when_use_falls_to_the_limit()
    {
        FillTo(120 * MiB);
        _time.InWait = () => _leaf.Uncharge(MemoryKind.User, 5 * MiB);
        _leaf.Charge(MemoryKind.User, Pages64);
        Assert.Equal(5 * ChargeAboveHigh.SliceMax, _time.Slept);
        Assert.Equal(0, _middle.ReadLocalEvents().HighDeadlines);
    }

    [Fact]
    public void The_delay_ends_when_the_limit_is_raised()
    {
        FillTo(120 * MiB);
        _time.InWait = () => _middle.HighBytes = MemoryGroup.Unlimited;
        _leaf.Charge(MemoryKind.User, Pages64);
        Assert.Equal(ChargeAboveHigh.SliceMax, _time.Slept);
    }

    [Fact]
    public void The_delay_ends_when_the_group_is_removed()
    {
        FillTo(120 * MiB);
        _time.InWait = _leaf.Remove;
        _leaf.Charge(MemoryKind.User, Pages64);
        Assert.Equal(ChargeAboveHigh.SliceMax, _time.Slept);
        Assert.Equal((120 * MiB) + Pages64, _middle.Memory.CurrentBytes);
    }

    [Fact]
    public void An_interrupted_thread_has_charged_and_stays_interrupted()
    {
        FillTo(120 * MiB);
        _time.InWait = Thread.CurrentThread.Interrupt;
        _leaf.Charge(MemoryKind.User, Pages64);
        _time.InWait = null;
        Assert.Throws<ThreadInterruptedException>(() => Thread.CurrentThread.Join(TimeSpan.FromMinutes(1)));
        Assert.Equal((120 * MiB) + Pages64, _leaf.Memory.CurrentBytes);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void An_awaited_charge_on_a_thread_that_is_interrupted_has_succeeded_too(bool isAtOnce)
    {
        FillTo(120 * MiB);
        if (isAtOnce) _time.InTimestamp = Interrupt;
        else _time.InWait = Interrupt;
        ValueTask charge = _leaf.ChargeAsync(MemoryKind.User, Pages64, CancellationToken.None);
        Assert.True(charge.IsCompletedSuccessfully);
        Assert.Throws<ThreadInterruptedException>(() => Thread.CurrentThread.Join(TimeSpan.FromMinutes(1)));
        Assert.Equal((120 * MiB) + Pages64, _leaf.Memory.CurrentBytes);

        void Interrupt()
        {
            _time.InWait = _time.InTimestamp = null;
            Thread.CurrentThread.Interrupt();
            Thread.CurrentThread.Join(TimeSpan.FromMinutes(1));
        }
    }

    [Fact]
    public void TryCharge_TryGrow_and_ForceCharge_are_never_delayed()
    {
        FillTo(120 * MiB);
        Assert.True(_leaf.TryCharge(MemoryKind.User, 10 * MiB, out _));
        _leaf.ForceCharge(MemoryKind.User, 10 * MiB);
        using MemoryCharge held = _leaf.Hold(MemoryKind.User);
        Assert.True(held.TryGrow(10 * MiB, out _));
        Assert.True(_leaf.Handle().TryCharge(10 * MiB));
        Assert.Equal(TimeSpan.Zero, _time.Slept);
        Assert.Equal(0, _middle.ReadLocalEvents().HighDelays);
        _leaf.Handle().Charge(MiB);
        Assert.Equal(TimeSpan.FromSeconds(2), _time.Slept);
    }

    [Fact]
    public void What_is_held_is_delayed_like_any_charge()
    {
        FillTo((110 * MiB) - Pages64);
        using MemoryCharge held = _leaf.Hold(MemoryKind.User, Pages64);
        AssertSlept(639);
        Assert.Equal(1, _middle.ReadLocalEvents().HighDelays);
        _leaf.Uncharge(MemoryKind.User, Pages64);
        held.Grow(Pages64);
        AssertSlept(639 + 640);
        _leaf.Uncharge(MemoryKind.User, Pages64);
        held.Resize(3 * Pages64);
        AssertSlept(639 + 640 + 640);
        held.Resize(Pages64);
        Assert.Equal(Pages64, held.Bytes);
        AssertSlept(639 + 640 + 640);
    }

    [Fact]
    public void A_handle_that_is_delayed_can_be_used_meanwhile()
    {
        FillTo(120 * MiB);
        using MemoryCharge held = _leaf.Hold(MemoryKind.User);
        _time.InWait = () => Task.Run(() => held.Shrink(1), TestContext.Current.CancellationToken).Wait(
            TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        held.Grow(Pages64);
        Assert.InRange(held.Bytes, 1, Pages64 - 1);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_transfer_is_not_delayed_and_the_next_charge_pays_for_it(bool isFromAnotherTree)
    {
        MemoryGroup root = isFromAnotherTree ? new MemoryController().Root : _controller.Root;
        using MemoryCharge moved = root.CreateChild("c").Hold(MemoryKind.User, Pages64);
        FillTo((110 * MiB) - (2 * Pages64));
        _time.Advance(TimeSpan.FromSeconds(1));
        long highBefore = _middle.ReadLocalEvents().High;
        Assert.True(moved.TryTransferTo(_leaf, out _));
        Assert.InRange(_middle.ReadLocalEvents().High, highBefore + 1, highBefore + 3);   // of TryCharge too
        Assert.Equal(TimeSpan.Zero, _time.Slept);
        _leaf.Charge(MemoryKind.User, Pages64);
        AssertSlept(1279);
        _leaf.Uncharge(MemoryKind.User, Pages64);
        _leaf.Charge(MemoryKind.User, Pages64);
        AssertSlept(1279 + 640);   // it has paid
    }

    [Theory, InlineData(false), InlineData(true)]
    public void What_moves_to_and_fro_is_owed_once(bool isFromAnotherTree)
    {
        MemoryGroup root = isFromAnotherTree ? new MemoryController().Root : _controller.Root;
        MemoryGroup other = root.CreateChild("c");
        using MemoryCharge moved = other.Hold(MemoryKind.User, Pages64);
        FillTo((110 * MiB) - (2 * Pages64));
        for (int i = 0; i < 8; i++)
        {
            moved.TransferTo(_leaf);
            moved.TransferTo(other);
        }

        moved.TransferTo(_leaf);
        _leaf.Charge(MemoryKind.User, Pages64);
        AssertSlept(1279);
    }

    [Fact]
    public void What_leaves_again_is_owed_no_more()
    {
        MemoryGroup other = _controller.Root.CreateChild("c");
        using MemoryCharge moved = other.Hold(MemoryKind.User, Pages64);
        FillTo((110 * MiB) - Pages64);
        moved.TransferTo(_leaf);
        moved.TransferTo(other);
        _leaf.Charge(MemoryKind.User, Pages64);
        AssertSlept(639);
    }

    [Fact]
    public void A_move_below_the_limit_that_is_passed_takes_the_debt_along()
    {
        MemoryGroup sibling = _middle.CreateChild("c");
        using MemoryCharge moved = _controller.Root.CreateChild("c").Hold(MemoryKind.User, Pages64);
        FillTo((110 * MiB) - (2 * Pages64));
        moved.TransferTo(_leaf);
        moved.TransferTo(sibling);
        sibling.Charge(MemoryKind.User, Pages64);
        AssertSlept(1279);
        _leaf.Uncharge(MemoryKind.User, Pages64);
        _leaf.Charge(MemoryKind.User, Pages64);
        AssertSlept(1279 + 640);
    }

    [Fact]
    public void What_moves_below_a_high_limit_owes_nothing()
    {
        using MemoryCharge moved = _middle.CreateChild("c").Hold(MemoryKind.User, Pages64);
        FillTo((110 * MiB) - (2 * Pages64));
        long highBefore = _middle.ReadLocalEvents().High;
        moved.TransferTo(_leaf);
        Assert.Equal(highBefore, _middle.ReadLocalEvents().High);
        _leaf.Charge(MemoryKind.User, Pages64);
        AssertSlept(639);
    }

    [Fact]
    public void Inside_a_reclaimer_nobody_is_delayed()
    {
        MemoryGroup other = _controller.Root.CreateChild("c", new() { HighBytes = 0 });
        using TestCache cache = new TestCache(_leaf).Fill(100);
        cache.Instead = (_, target) =>
        {
            other.Charge(MemoryKind.User, MiB);
            return cache.Free(target);
        };
        Assert.Equal(100, _leaf.Reclaim(100));
        Assert.Equal(TimeSpan.Zero, _time.Slept);
        Assert.Equal(0, other.ReadEvents().High);
        Assert.Equal(0, _leaf.ReadEvents().ReclaimErrors);
    }

    [Fact]
    public async Task A_context_that_may_not_block_is_not_delayed()
    {
        FillTo(120 * MiB);
        var context = new ReclaimContext(ReclaimNeeds.Blocking);
        _leaf.Throttle(MiB, context);
        await _leaf.ThrottleAsync(MiB, context, TestContext.Current.CancellationToken);
        Assert.Equal(default, _middle.ReadEvents());
    }

    [Fact]
    public void A_refused_charge_is_not_delayed()
    {
        _middle.Memory.MaxBytes = 120 * MiB;
        FillTo(120 * MiB);
        Assert.Throws<MemoryLimitExceededException>(() => _leaf.Charge(MemoryKind.User, Pages64));
        Assert.Equal(TimeSpan.Zero, _time.Slept);
    }

    [Fact]
    public void A_charge_that_got_its_room_by_reclaim_at_the_limit_is_delayed_too()
    {
        _middle.Memory.MaxBytes = 120 * MiB;
        using TestCache cache = new TestCache(_leaf, entryBytes: 4096).Fill(MiB);
        FillTo(120 * MiB);
        _leaf.Charge(MemoryKind.User, MiB);
        Assert.Equal(0, cache.HeldBytes);
        Assert.Equal(TimeSpan.FromSeconds(2), _time.Slept);
    }

    [Fact]
    public async Task An_awaited_charge_is_delayed_alike()
    {
        FillTo(110 * MiB);
        await _leaf.ThrottleAsync(Pages64, cancellationToken: TestContext.Current.CancellationToken);
        AssertSlept(639);
        Assert.Equal(1, _middle.ReadLocalEvents().HighDelays);
        Assert.Equal(_time.Slept, _leaf.ReadPressure().SomeTotal);
    }

    [Fact]
    public async Task ChargeAsync_is_delayed_when_it_fits_at_once_and_after_it_has_waited_for_room()
    {
        FillTo((110 * MiB) - Pages64);
        await _leaf.ChargeAsync(MemoryKind.User, Pages64, TestContext.Current.CancellationToken);
        AssertSlept(639);

        _middle.Memory.MaxBytes = 110 * MiB;
        bool isGiven = false;
        _time.InWait = () =>
        {
            if (!isGiven) _leaf.Uncharge(MemoryKind.User, Pages64);
            isGiven = true;
        };
        await _leaf.ChargeAsync(MemoryKind.User, Pages64, TestContext.Current.CancellationToken);
        Assert.Equal(110 * MiB, _leaf.Memory.CurrentBytes);
        Assert.Equal(2, _middle.ReadLocalEvents().HighDelays);
        Assert.InRange(_leaf.ReadPressure().SomeTotal.TotalMilliseconds, 1279, _time.Slept.TotalMilliseconds);
    }

    [Fact]
    public async Task Cancelling_ends_the_delay_and_throws_nothing()
    {
        FillTo(120 * MiB);
        using var source = new CancellationTokenSource();
        _time.InWait = source.Cancel;
        await _leaf.ThrottleAsync(Pages64, cancellationToken: source.Token);
        Assert.Equal(ChargeAboveHigh.SliceMax, _time.Slept);
    }

    [Fact]
    public async Task Where_there_is_no_high_limit_on_the_path_nothing_is_kept_for_it()
    {
        MemoryGroup other = _controller.Root.CreateChild("c", new() { MaxBytes = 10 * MiB });
        other.Charge(MemoryKind.User, 10 * MiB);
        Assert.False(other.Memory.IsPastHigh);
        await other.ThrottleAsync(MiB, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Null(other.Policy);
        Assert.False(new MemoryController().Reserves.KnowsHigh);
    }

    [Fact]
    public void The_real_clock_ends_the_wait_too()
    {
        var controller = new MemoryController(options: new() { HighDelayMax = TimeSpan.FromMilliseconds(30) });
        MemoryGroup group = controller.Root.CreateChild("c", new() { HighBytes = 0 });
        group.Charge(MemoryKind.User, MiB);
        Assert.Equal(1, group.ReadLocalEvents().HighDeadlines);
        Assert.InRange(group.ReadPressure().SomeTotal, TimeSpan.FromMilliseconds(25), TimeSpan.MaxValue);
    }

    [Fact]
    public void A_negative_time_is_an_error() => Assert.Throws<ArgumentOutOfRangeException>(
        () => new MemoryController(options: new() { HighDelayMax = TimeSpan.FromTicks(-1) }));

    // Waits are in whole milliseconds.
    private void AssertSlept(int milliseconds) =>
        Assert.InRange(_time.Slept.TotalMilliseconds, milliseconds, milliseconds == 0 ? 0 : milliseconds + 1);

    private MemoryGroup WithDeadline(TimeSpan time) =>
        new MemoryController(options: new() { Time = _time, HighDelayMax = time }).Root;

    private void FillTo(long bytes) =>
        Assert.True(_leaf.TryCharge(MemoryKind.User, bytes - _leaf.Memory.CurrentBytes, out _));
}
