namespace Allot.Tests.Reclaim;

/// <summary>Being told of pressure.</summary>
public sealed class PressureWatchTests
{
    private readonly SteppedTime _time = new();
    private readonly MemoryController _controller;
    private readonly MemoryGroup _middle;
    private readonly MemoryGroup _leaf;
    private readonly List<(PressureAlert Alert, double At)> _told = [];
    private readonly long _start;

    public PressureWatchTests()
    {
        _controller = new MemoryController(options: new() { Time = _time, ReservesMaxBytes = 0 });
        _middle = _controller.Root.CreateChild("a");
        _leaf = _middle.CreateChild("b");
        _start = _time.GetTimestamp();
    }

    [Fact]
    public void Enough_stall_in_the_window_is_told_once_with_its_numbers()
    {
        using IDisposable watch = Watch(_leaf, "some 150000 1000000");
        Stall(200);
        Pass(5_000);
        (PressureAlert alert, double at) = Assert.Single(_told);
        Assert.Same(_leaf, alert.Group);
        Assert.Equal("some 150000 1000000", $"{alert.Trigger}");
        Assert.Equal(200, alert.Stalled.TotalMilliseconds);
        Assert.Equal(200, alert.Pressure.SomeTotal.TotalMilliseconds);
        Assert.Equal(0.2, at);
    }

    [Fact]
    public void Less_is_not_told()
    {
        using IDisposable watch = Watch(_leaf, "some 150000 1000000");
        for (int i = 0; i < 10; i++)
        {
            Stall(149);
            Pass(1_100);
        }

        Assert.Empty(_told);
    }

    [Fact]
    public void Stalls_add_up_within_the_window_and_not_beyond()
    {
        using IDisposable watch = Watch(_leaf, "some 150000 1000000");
        for (int i = 0; i < 20; i++)
        {
            Stall(30);   // four in a second
            Pass(220);
        }

        Assert.Empty(_told);
        for (int i = 0; i < 5; i++)
        {
            Stall(30);   // five in a second
            Pass(150);
        }

        Assert.InRange(Assert.Single(_told).Alert.Stalled.TotalMilliseconds, 150, 180);
    }

    [Fact]
    public void A_stall_that_goes_on_is_told_once_in_each_window()
    {
        using IDisposable watch = Watch(_leaf, "some 150000 1000000");
        Stall(4_500);
        Assert.Equal([0.2, 1.2, 2.2, 3.2, 4.2], _told.Select(one => one.At));
        Pass(5_000);
        Assert.Equal(6, _told.Count);   // 300 ms after the last one, as soon as its window is over
        Assert.Equal(5.2, _told[^1].At);
        Assert.Equal(300, _told[^1].Alert.Stalled.TotalMilliseconds);
    }

    [Fact]
    public void A_stall_of_the_whole_window_can_be_asked_for()
    {
        using IDisposable watch = Watch(_leaf, "some 500000 500000");
        Stall(490);
        Pass(100);
        Stall(490);
        Pass(2_000);
        Assert.Empty(_told);
        Stall(600);
        Assert.Equal(500, Assert.Single(_told).Alert.Stalled.TotalMilliseconds);
    }

    [Fact]
    public void Some_and_full_are_told_apart()
    {
        using var other = new Sleeper(() => { });
        using IDisposable some = Watch(_leaf, "some 100000 500000"), full = Watch(_leaf, "full 100000 500000");
        using (PressureScope.Enter(_leaf))
        {
            for (int i = 0; i < 20; i++)
            {
                Assert.True(other.Ask(() => _leaf.TryCharge(MemoryKind.User, 1, out _)));
                Pass(10);   // as long as the other counts as busy
            }

            Assert.Equal(PressureKind.Some, Assert.Single(_told).Alert.Trigger.Kind);
            Pass(200);
        }

        Assert.Contains(_told, one => one.Alert.Trigger.Kind == PressureKind.Full);
    }

    [Fact]
    public void Stalls_below_are_told_above_and_not_beside()
    {
        MemoryGroup sibling = _middle.CreateChild("s");
        using IDisposable above = Watch(_controller.Root, "some 150000 1000000");
        using IDisposable beside = Watch(sibling, "some 150000 1000000");
        Stall(1_000);
        Assert.Same(_controller.Root, Assert.Single(_told).Alert.Group);
    }

    [Fact]
    public void What_was_stalled_before_does_not_count_and_a_stall_that_goes_on_does()
    {
        using (PressureScope.Enter(_leaf))
        {
            Pass(10_000);
            using IDisposable watch = Watch(_leaf, "some 150000 1000000");
            Pass(100);
            Assert.Empty(_told);
            Pass(100);
            Assert.Equal(200, Assert.Single(_told).Alert.Stalled.TotalMilliseconds);
        }
    }

    [Fact]
    public void Only_while_there_is_something_to_see_a_timer_runs()
    {
        using IDisposable watch = Watch(_leaf, "some 150000 1000000");
        Pass(5_000);
        Assert.Equal(0, _time.RunningTimers);
        Stall(10);
        Assert.Equal(1, _time.RunningTimers);
        Pass(900);
        Assert.Equal(1, _time.RunningTimers);
        Pass(200);
        Assert.Equal(0, _time.RunningTimers);
        Stall(200);
        Assert.Single(_told);
    }

    [Fact]
    public void A_charge_that_waits_for_reclaim_is_told()
    {
        _middle.Memory.MaxBytes = 10_000;
        using TestCache cache = new TestCache(_middle).Fill(10_000);
        cache.Instead = (_, target) =>
        {
            Pass(400);
            return cache.Free(target);
        };
        using IDisposable watch = Watch(_leaf, "some 300000 500000");
        _leaf.Charge(MemoryKind.User, 100);
        Assert.NotEmpty(_told);
    }

    [Fact]
    public void A_watch_ends_when_it_is_disposed_or_its_group_removed()
    {
        IDisposable first = Watch(_leaf, "some 150000 1000000");
        using IDisposable second = Watch(_leaf, "some 150000 1000000");
        first.Dispose();
        first.Dispose();
        Stall(200);
        Assert.Single(_told);

        using (PressureScope.Enter(_leaf))
        {
            _leaf.Remove();
            Pass(5_000);
        }

        Assert.Single(_told);
        Assert.Equal(0, _time.RunningTimers);
        InvalidOperationException error =
            Assert.Throws<InvalidOperationException>(() => Watch(_leaf, "some 150000 1000000"));
        Assert.Equal("Cannot watch the pressure of '/a/b': it was removed.", error.Message);
    }

    [Fact]
    public void A_callback_that_ends_its_own_watch_is_not_called_again()
    {
        IDisposable? watch = null;
        int calls = 0;
        watch = _leaf.WatchPressure(PressureTrigger.Parse("some 1000 500000"), _ =>
        {
            calls++;
            watch!.Dispose();
        });
        Stall(5_000);
        Assert.Equal(1, calls);
    }

    [Fact]
    public void A_callback_that_throws_is_called_again_and_harms_nobody()
    {
        int calls = 0;
        using IDisposable watch = _leaf.WatchPressure(PressureTrigger.Parse("some 1000 500000"), _ =>
        {
            calls++;
            throw new InvalidOperationException("the callback");
        });
        Stall(1_000);
        Assert.Equal(2, calls);
    }

    [Fact]
    public void A_callback_that_takes_long_is_not_called_by_two_threads()
    {
        int inside = 0, calls = 0;
        using IDisposable watch = _leaf.WatchPressure(PressureTrigger.Parse("some 1000 500000"), _ =>
        {
            Assert.Equal(1, ++inside);
            if (calls++ == 0) Pass(2_000);   // four windows, whose timers fire meanwhile
            inside--;
        });
        Stall(100);
        Assert.Equal(1, calls);
        Stall(100);
        Assert.Equal(2, calls);
    }

    [Fact]
    public void By_the_real_clock_it_is_told_on_a_thread_of_the_pool()
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("g");
        using var told = new ManualResetEventSlim();
        bool isOnPool = false;
        using IDisposable watch = group.WatchPressure(PressureTrigger.Parse("some 1000 500000"), _ =>
        {
            isOnPool = Thread.CurrentThread.IsThreadPoolThread;
            told.Set();
        });
        using (PressureScope.Enter(group)) told.Wait(TestContext.Current.CancellationToken);
        Assert.True(isOnPool);
    }

    [Fact]
    public void Two_watches_each_have_their_own_window()
    {
        using IDisposable eager = Watch(_leaf, "some 50000 500000"), patient = Watch(_leaf, "some 900000 2000000");
        Stall(1_000);
        Assert.Equal(2, _told.Count(one => one.Alert.Trigger.Stall.TotalMilliseconds == 50));
        Assert.Single(_told, one => one.Alert.Trigger.Stall.TotalMilliseconds == 900);
    }

    private IDisposable Watch(MemoryGroup group, string trigger) => group.WatchPressure(
        PressureTrigger.Parse(trigger),
        alert => _told.Add((alert, _time.GetElapsedTime(_start).TotalSeconds)));

    private void Stall(int milliseconds)
    {
        using (PressureScope.Enter(_leaf)) Pass(milliseconds);
    }

    private void Pass(int milliseconds) => _time.Advance(TimeSpan.FromMilliseconds(milliseconds));
}
