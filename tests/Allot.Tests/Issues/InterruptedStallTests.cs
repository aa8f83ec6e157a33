namespace Allot.Tests.Issues;

/// <summary>Thread.Interrupt in the middle of a stall or a removal: it happens everywhere or nowhere, and the interrupt is
/// not lost.</summary>
public sealed class InterruptedStallTests
{
    [Fact]
    public void A_stall_that_waits_for_the_lock_of_the_tree_begins_and_ends_on_every_level()
    {
        MemoryController controller = new();
        MemoryGroup group = controller.Root.CreateChild("a");
        bool isInterrupted = false;
        Exception? thrown = null;
        Thread staller;
        using (controller.TreeLock.EnterScope())
        {
            staller = StartAndWait(() =>
            {
                thrown = Record.Exception(() => PressureScope.Enter(group).Dispose());
                isInterrupted = IsInterrupted();
            });
            staller.Interrupt();
        }

        staller.Join();
        Assert.Null(thrown);
        Assert.True(isInterrupted);
        Assert.False(ReclaimState.Of(group)!.Pressure!.IsStalled);
        Assert.False(ReclaimState.Of(controller.Root)!.Pressure!.IsStalled);
    }

    [Fact]
    public void A_watch_whose_timer_is_interrupted_leaves_no_half_of_a_stall()
    {
        MemoryGroup group = new MemoryController(options: new() { Time = new InterruptedTime() }).Root.CreateChild("a");
        var trigger = new PressureTrigger { Stall = TimeSpan.FromSeconds(1), Window = TimeSpan.FromSeconds(1) };
        using (group.WatchPressure(trigger, static _ => { }))
        {
            PressureScope.Enter(group).Dispose();
            Assert.True(IsInterrupted());
        }

        Assert.True(IsInterrupted());
        Assert.False(ReclaimState.Of(group)!.Pressure!.IsStalled);
    }

    [Fact]
    public void A_group_whose_removal_is_interrupted_is_removed_completely()
    {
        var time = new InterruptedTime();
        MemoryGroup group = new MemoryController(options: new() { Time = time }).Root.CreateChild("a");
        var trigger = new PressureTrigger { Stall = TimeSpan.FromSeconds(1), Window = TimeSpan.FromSeconds(1) };
        using var cache = new Reclaim.TestCache(group);
        using IDisposable watch = group.WatchPressure(trigger, static _ => { });
        group.Remove();
        Assert.True(IsInterrupted());
        Assert.Empty(ReclaimState.Of(group)!.Registrations);
        Assert.Throws<InvalidOperationException>(() => new Reclaim.TestCache(group));
    }

    private static bool IsInterrupted()
    {
        try
        {
            Thread.CurrentThread.Join(0);
            Thread.CurrentThread.Join(1);
            return false;
        }
        catch (ThreadInterruptedException)
        {
            return true;
        }
    }

    private static Thread StartAndWait(Action work)
    {
        var thread = new Thread(() => work());
        thread.Start();
        SpinWait.SpinUntil(() => thread.ThreadState == ThreadState.WaitSleepJoin);
        return thread;
    }

    // Timers that are set by a thread which is interrupted.
    private sealed class InterruptedTime : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            new InterruptedTimer();
    }

    private sealed class InterruptedTimer : ITimer
    {
        private int _changes;
        private int _disposals;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (_changes++ == 0) throw new ThreadInterruptedException();
            return true;
        }

        public void Dispose()
        {
            if (_disposals++ == 0) throw new ThreadInterruptedException();
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
