namespace Allot.Tests;

/// <summary>What threads hold in advance: that it is there, is bounded, is told apart from what is used, and comes back
/// when somebody needs it.</summary>
public sealed class ThreadReservesTests
{
    private const int Busy = 100;   // charges after which a thread holds something in advance
    private const long MiB = 1 << 20;

    // Nobody looks for idle reserves meanwhile.
    private readonly MemoryController _controller = new(options: new() { Time = new ManualTime() });

    [Fact]
    public void A_thread_that_comes_by_takes_nothing_along_and_a_busy_one_does()
    {
        MemoryGroup group = Child();
        group.Charge(MemoryKind.User, 10);
        Assert.Equal(0, group.Memory.ReservedBytes);
        MakeBusy(group);
        Assert.InRange(group.Memory.ReservedBytes, 1, MiB);
        Assert.Equal(group.Memory.ReservedBytes, _controller.Root.Memory.ReservedBytes);
        Assert.Equal(0, group.Kernel.ReservedBytes);
    }

    [Fact]
    public void What_is_held_in_advance_is_not_used()
    {
        MemoryGroup group = Child();
        MakeBusy(group);
        group.Charge(MemoryKind.User, 123);
        Assert.Equal(123, group.Memory.CurrentBytes);
        Assert.Equal(123, _controller.Root.Memory.CurrentBytes);
        group.Uncharge(MemoryKind.User, 123);
        Assert.Equal(0, group.Memory.CurrentBytes);
    }

    [Fact]
    public void Kernel_memory_is_held_in_advance_on_both_counters()
    {
        MemoryGroup group = Child();
        MakeBusy(group, MemoryKind.Kernel);
        Assert.InRange(group.Kernel.ReservedBytes, 1, MiB);
        Assert.Equal(group.Kernel.ReservedBytes, group.Memory.ReservedBytes);
        Assert.Equal(0, group.Kernel.CurrentBytes);
        Assert.Equal(0, group.Memory.CurrentBytes);
    }

    [Fact]
    public void A_thread_that_only_gives_back_keeps_some_of_it_until_somebody_needs_it()
    {
        MemoryGroup group = Child(new() { MaxBytes = 4 * MiB }), other = _controller.Root.CreateChild("other");
        group.Charge(MemoryKind.User, 10_000);
        using var consumer = new Sleeper(() =>
        {
            MakeBusy(other);   // so that the thread has slots
            for (int i = 0; i < 50; i++) group.Uncharge(MemoryKind.User, 100);
        });
        Assert.Equal(5_000, group.Memory.CurrentBytes);
        Assert.InRange(group.Memory.ReservedBytes, 1, 5_000);
        Assert.True(group.TryCharge(MemoryKind.User, (4 * MiB) - 5_000, out _));
        Assert.Equal(0, group.Memory.ReservedBytes);
        group.Remove();
        Assert.True(consumer.Ask(() => { for (int i = 0; i < 50; i++) group.Uncharge(MemoryKind.User, 100); return true; }));
        Assert.Equal((4 * MiB) - 5_000, _controller.Root.Memory.CurrentBytes);
        Assert.Equal(0, _controller.Root.ReadEvents().AccountingErrors);
    }

    [Fact]
    public void I2_a_charge_gets_what_an_idle_thread_holds()
    {
        MemoryGroup group = Child(new() { MaxBytes = 4 * MiB }), sibling = group.CreateChild("a");
        using var idle = new Sleeper(() => MakeBusy(sibling));
        Assert.NotEqual(0, group.Memory.ReservedBytes);
        Assert.True(group.TryCharge(MemoryKind.User, 4 * MiB, out _));
        Assert.Equal(0, group.Memory.ReservedBytes);
        Assert.False(group.TryCharge(MemoryKind.User, 1, out ChargeRefusal refusal));
        Assert.Equal(4 * MiB, refusal.CurrentBytes);
        Assert.Equal(1, group.ReadEvents().MemoryMax);
    }

    [Fact]
    public void I2_a_kernel_charge_gets_what_is_held_for_user_memory()
    {
        MemoryGroup group = Child(new() { MaxBytes = 4 * MiB });
        using var idle = new Sleeper(() => MakeBusy(group));
        Assert.True(group.TryCharge(MemoryKind.Kernel, 4 * MiB, out _));
    }

    [Fact]
    public void The_room_that_can_be_had_includes_what_is_held_in_advance()
    {
        MemoryGroup group = Child(new() { MaxBytes = 4 * MiB });
        MakeBusy(group);
        Assert.NotEqual(0, group.Memory.ReservedBytes);
        Assert.Equal(4 * MiB, group.Memory.AvailableBytes);
    }

    [Fact]
    public void Near_a_limit_nothing_is_held_in_advance()
    {
        MemoryGroup group = Child(new() { MaxBytes = 4 * MiB });
        group.Charge(MemoryKind.User, (4 * MiB) - 60_000);
        MakeBusy(group);
        Assert.Equal(0, group.Memory.ReservedBytes);
    }

    [Fact]
    public void A_peak_that_was_reached_by_spending_only_is_known_after_the_reserve_was_taken_back()
    {
        MemoryGroup group = Child();
        new Sleeper(() =>
        {
            for (int i = 0; i < 1000; i++) group.Charge(MemoryKind.User, 64);
        }).Dispose();
        _controller.Reserves.TakeBack(group.Memory);
        group.Uncharge(MemoryKind.User, 64_000);
        Assert.Equal(64_000, group.Memory.PeakBytes);
        Assert.Equal(64_000, _controller.Root.Memory.PeakBytes);
    }

    [Fact]
    public void I1_a_lowered_limit_leaves_nothing_to_spend_above_it()
    {
        MemoryGroup group = Child();
        using var busy = new Sleeper(() => MakeBusy(group));
        group.Charge(MemoryKind.User, 1000);
        group.Memory.MaxBytes = 1000;
        Assert.Equal(0, group.Memory.ReservedBytes);
        Assert.False(busy.Ask(() => group.TryCharge(MemoryKind.User, 1, out _)));
        Assert.Equal(1000, group.Memory.CurrentBytes);
    }

    [Fact]
    public void I6_a_removed_group_leaves_nothing_with_any_thread()
    {
        MemoryGroup group = Child();
        using var busy = new Sleeper(() => MakeBusy(group));
        group.Charge(MemoryKind.User, 70);
        group.Remove();
        Assert.Equal(0, _controller.Root.Memory.ReservedBytes);
        Assert.Equal(70, _controller.Root.Memory.CurrentBytes);
        Assert.False(busy.Ask(() => group.TryCharge(MemoryKind.User, 1, out _)));
        busy.Ask(() => { group.Uncharge(MemoryKind.User, 70); return true; });
        Assert.Equal(0, _controller.Root.Memory.CurrentBytes);
        Assert.Equal(0, _controller.Root.Memory.ReservedBytes);
    }

    [Fact]
    public void I4_what_a_dead_thread_held_is_taken_back_in_time_and_by_who_needs_it()
    {
        MemoryGroup group = Child();
        using (new Sleeper(() => MakeBusy(group)))
        {
            // Once it has ended, any test that starts a thread may find what it held.
            Assert.NotEqual(0, group.Memory.ReservedBytes);
        }

        _controller.Reserves.Trim(_controller.Root.Memory);
        Assert.Equal(0, group.Memory.ReservedBytes);
        Assert.Equal(0, group.Memory.CurrentBytes);
    }

    [Fact]
    public void What_lies_idle_is_taken_back_at_the_second_look()
    {
        MemoryGroup group = Child();
        MakeBusy(group);
        _controller.Reserves.Trim(_controller.Root.Memory);
        Assert.NotEqual(0, group.Memory.ReservedBytes);
        _controller.Reserves.Trim(_controller.Root.Memory);
        Assert.Equal(0, group.Memory.ReservedBytes);
    }

    [Fact]
    public void A_timer_looks_while_anything_is_held_and_rests_afterwards()
    {
        var time = new ManualTime();
        var controller = new MemoryController(options: new() { Time = time });
        Assert.Equal(0, time.RunningTimers);
        MakeBusy(controller.Root);
        Assert.Equal(1, time.RunningTimers);
        time.Fire();
        time.Fire();
        Assert.Equal(0, controller.Root.Memory.ReservedBytes);
        Assert.Equal(0, time.RunningTimers);
        MakeBusy(controller.Root);
        Assert.Equal(1, time.RunningTimers);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1 << 20, 1 << 20)]
    public void The_bound_holds_however_many_threads_there_are(long maxBytes, long mostBytes)
    {
        var controller = new MemoryController(options: new() { ReservesMaxBytes = maxBytes });
        MemoryGroup[] groups = [.. Enumerable.Range(0, 4).Select(i => controller.Root.CreateChild($"g{i}"))];
        Sleeper[] threads = [.. Enumerable.Range(0, 50).Select(i => new Sleeper(() =>
        {
            foreach (MemoryGroup group in groups) Burst(group);
        }))];
        Assert.InRange(controller.Root.Memory.ReservedBytes, maxBytes / 4, mostBytes);
        Assert.Equal(0, controller.Root.Memory.CurrentBytes);
        foreach (Sleeper thread in threads) thread.Dispose();
    }

    [Fact]
    public void A_thread_serves_more_groups_than_it_has_places()
    {
        MemoryGroup[] groups = [.. Enumerable.Range(0, 300).Select(i => _controller.Root.CreateChild($"g{i}"))];
        for (int round = 0; round < 50; round++)
        {
            foreach (MemoryGroup group in groups) group.Charge(MemoryKind.User, 10);
            foreach (MemoryGroup group in groups) group.Uncharge(MemoryKind.User, 10);
        }

        foreach (MemoryGroup group in groups) group.Charge(MemoryKind.User, 10);
        Assert.Equal(3000, _controller.Root.Memory.CurrentBytes);
        Assert.All(groups, group => Assert.Equal(10, group.Memory.CurrentBytes));
        Assert.Empty(TreeWalk.FindViolations(_controller));
    }

    [Fact]
    public void The_peak_of_one_busy_group_is_exact()
    {
        MemoryGroup group = Child();
        MakeBusy(group);
        for (int i = 0; i < 50; i++) group.Charge(MemoryKind.User, 5000);
        for (int i = 0; i < 50; i++) group.Uncharge(MemoryKind.User, 5000);
        group.Charge(MemoryKind.User, 5000);
        Assert.Equal(250_000, group.Memory.PeakBytes);
        Assert.Equal(250_000, _controller.Root.Memory.PeakBytes);
    }

    [Fact]
    public void A_peak_is_not_lost_when_the_reserve_is_taken_back_at_the_peak()
    {
        MemoryGroup group = Child();
        MakeBusy(group);
        group.Charge(MemoryKind.User, 10_000);
        _controller.Reserves.TakeBack(group.Memory);
        group.Uncharge(MemoryKind.User, 10_000);
        Assert.Equal(10_000, group.Memory.PeakBytes);
        Assert.Equal(10_000, _controller.Root.Memory.PeakBytes);
    }

    [Fact]
    public void A_peak_is_not_lost_when_another_group_uncharges_first()
    {
        MemoryGroup a = _controller.Root.CreateChild("a"), b = _controller.Root.CreateChild("b");
        b.Charge(MemoryKind.User, 1_000_000);
        MakeBusy(a);
        a.Charge(MemoryKind.User, 20_000);
        b.Uncharge(MemoryKind.User, 1_000_000);
        a.Uncharge(MemoryKind.User, 20_000);
        Assert.Equal(1_020_000, _controller.Root.Memory.PeakBytes);
    }

    [Fact]
    public void A_peak_is_not_lost_when_its_bytes_move_away()
    {
        MemoryGroup a = _controller.Root.CreateChild("a"), b = _controller.Root.CreateChild("b");
        MakeBusy(a);
        using MemoryCharge charge = a.Hold(MemoryKind.User, 20_000);
        charge.TransferTo(b);
        Assert.Equal(20_000, a.Memory.PeakBytes);
    }

    [Fact]
    public void A_slot_that_a_taker_left_closed_is_emptied_by_the_next()
    {
        MemoryGroup group = Child(new() { MaxBytes = 4 * MiB });
        using var idle = new Sleeper(() =>
        {
            MakeBusy(group);
            unsafe
            {
                ThreadReserves.SlotOf(group.Memory)->Key = 0;
            }
        });
        Assert.True(group.TryCharge(MemoryKind.User, 4 * MiB, out _));
    }

    [Fact]
    public void Interrupts_lose_no_charge()
    {
        MemoryGroup group = Child();
        bool stop = false;
        long charged = 0, refused = 0;
        Thread[] threads = [.. Enumerable.Range(0, 3).Select(_ => new Thread(ChargeAndUncharge))];
        foreach (Thread thread in threads) thread.Start();
        for (int i = 0; i < 2000 || Volatile.Read(ref charged) == 0 || Volatile.Read(ref refused) == 0; i++)
        {
            group.Memory.MaxBytes = 150_000 + (i % 100_000);
            threads[i % 3].Interrupt();
        }

        Volatile.Write(ref stop, true);
        foreach (Thread thread in threads) thread.Join();
        Assert.Equal(0, group.Memory.CurrentBytes);
        Assert.Equal(0, group.ReadEvents().AccountingErrors);

        void ChargeAndUncharge()
        {
            while (!Volatile.Read(ref stop))
            {
                bool fits = group.TryCharge(MemoryKind.User, 100_000, out ChargeRefusal _);
                if (fits) group.Uncharge(MemoryKind.User, 100_000);
                Interlocked.Increment(ref fits ? ref charged : ref refused);
            }
        }
    }

    [Fact]
    public void A_peak_reader_starts_from_what_is_used()
    {
        MemoryGroup group = Child();
        MakeBusy(group);
        group.Charge(MemoryKind.User, 100);
        using PeakReader reader = group.Memory.OpenPeak();
        Assert.Equal(100, reader.PeakBytes);
        MakeBusy(group);
        Assert.Equal(110, reader.PeakBytes);
        reader.Reset();
        Assert.Equal(100, reader.PeakBytes);
    }

    [Fact]
    public void Uncharging_what_was_never_charged_is_found_when_the_reserve_goes_back()
    {
        MemoryGroup group = Child();
        MakeBusy(group);
        group.Uncharge(MemoryKind.User, 100);
        Assert.Equal(0, group.Memory.CurrentBytes);
        _controller.Reserves.TakeBack(group.Memory);
        Assert.Equal(1, group.ReadEvents().AccountingErrors);
        Assert.Equal(0, _controller.Root.Memory.CurrentBytes);
        Assert.True(group.TryCharge(MemoryKind.User, 100, out _));
        Assert.Equal(100, _controller.Root.Memory.CurrentBytes);
    }

    [Fact]
    public void A_large_uncharge_cannot_take_what_only_stands_in_reserve()
    {
        MemoryGroup group = Child();
        MakeBusy(group);
        group.Charge(MemoryKind.User, 10);
        group.Uncharge(MemoryKind.User, 32 * MiB);
        Assert.Equal(1, group.ReadEvents().AccountingErrors);
        Assert.Equal(0, _controller.Root.Memory.CurrentBytes);
    }

    [Fact]
    public void A_forced_charge_is_an_event_only_above_what_is_used()
    {
        MemoryGroup group = Child(new() { MaxBytes = 4 * MiB });
        MakeBusy(group);
        Assert.NotEqual(0, group.Memory.ReservedBytes);
        group.ForceCharge(MemoryKind.User, 4 * MiB);
        Assert.Equal(0, group.ReadEvents().MemoryForced);
        group.ForceCharge(MemoryKind.User, 1);
        Assert.Equal(1, group.ReadEvents().MemoryForced);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(long.MinValue)]
    [InlineData(long.MaxValue)]
    public void Amounts_out_of_range_are_errors_for_a_busy_thread_too(long bytes)
    {
        MemoryGroup group = Child();
        MakeBusy(group);
        Assert.Throws<ArgumentOutOfRangeException>(() => group.TryCharge(MemoryKind.User, bytes, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => group.Uncharge(MemoryKind.User, bytes));
        Assert.Throws<ArgumentOutOfRangeException>(() => group.TryCharge((MemoryKind)2, 1, out _));
        Assert.Equal(0, group.Memory.CurrentBytes);
    }

    [Fact]
    public void A_handle_counts_what_its_group_counts()
    {
        MemoryGroup group = Child();
        GroupHandle handle = group.Handle();
        for (int i = 0; i < Busy; i++)
        {
            Assert.True(handle.TryCharge(10));
            handle.Uncharge(10);
        }

        handle.Charge(30);
        group.Uncharge(MemoryKind.User, 10);
        Assert.Equal(20, group.Memory.CurrentBytes);
        group.Remove();
        Assert.False(handle.TryCharge(1));
        Assert.False(handle.TryCharge(1, out ChargeRefusal refusal));
        Assert.Equal(RefusalReason.GroupRemoved, refusal.Reason);
        handle.Uncharge(20);
        Assert.Equal(0, _controller.Root.Memory.CurrentBytes);
    }

    [Fact]
    public void What_a_thread_gives_back_by_itself_is_settled() => FreshThread.Run(() =>
    {
        MemoryGroup group = ShortGroup();
        ThreadReserves.GiveBackOwn();
        AssertReported(group);
    });

    [Fact]
    public void What_comes_back_for_a_charge_that_waits_is_settled() => FreshThread.Run(() =>
    {
        _controller.Root.Memory.MaxBytes = 64 * MiB;
        MemoryGroup group = ShortGroup();
        _controller.Root.ForceCharge(MemoryKind.User, 64 * MiB);
        var waiter = new ChargeWaiter(_controller.Root.Memory, 1);
        _controller.Reserves.StandInLine(waiter, _controller.Root.Memory);
        Assert.False(waiter.Done.IsCompleted);
        AssertReported(group);
        Assert.True(_controller.Reserves.Waiting.Leave(waiter));
    });

    // Five counters want the same four places, and the first is of another tree: nobody charges that again.
    [Fact]
    public void What_is_given_up_for_a_group_of_another_tree_is_settled() => FreshThread.Run(() =>
    {
        MemoryGroup first = ShortGroup();
        var others = new MemoryController(options: new() { Time = new ManualTime() });
        int busy = 0;
        for (int i = 0; busy < 4; i++)
        {
            MemoryGroup other = others.Root.CreateChild($"{i}");
            if (other.Memory.SlotOffset != first.Memory.SlotOffset) continue;
            MakeBusy(other);
            busy++;
        }

        Assert.Equal(0, first.Memory.ReservedBytes);
        AssertReported(first);
    });

    private MemoryGroup Child(MemoryGroupOptions? options = null) =>
        _controller.Root.CreateChild("group", options);

    // A group of which this thread holds more in advance than stands on the tree: a race of wrong uncharges may do
    // that.
    private MemoryGroup ShortGroup()
    {
        MemoryGroup group = Child();
        MakeBusy(group);
        Assert.NotEqual(0, group.Memory.ReservedBytes);
        group.Memory.UnchargePath(group.Memory.ReservedBytes);
        return group;
    }

    // Another test may be about to settle all trees that were noted, this one included.
    private static void AssertReported(MemoryGroup group) =>
        Assert.True(SpinWait.SpinUntil(() => group.ReadEvents().AccountingErrors == 1, TimeSpan.FromSeconds(30)));

    private static void MakeBusy(MemoryGroup group, MemoryKind kind = MemoryKind.User)
    {
        for (int i = 0; i < Busy; i++)
        {
            group.Charge(kind, 10);
            group.Uncharge(kind, 10);
        }
    }

    private static void Burst(MemoryGroup group)
    {
        for (int i = 0; i < 300; i++) group.Charge(MemoryKind.User, 4096);
        for (int i = 0; i < 300; i++) group.Uncharge(MemoryKind.User, 4096);
    }
}
