namespace Allot.Tests.Issues;

/// <summary>Thread.Interrupt ends the waits of callers. It must take no bytes along: a handle gives its bytes back, and a
/// charge that stands does not look refused.</summary>
public sealed class InterruptTests
{
    [Fact]
    public void A_handle_that_is_in_use_elsewhere_gives_its_bytes_back()
    {
        MemoryGroup root = new MemoryController().Root, target = root.CreateChild("b");
        MemoryCharge charge = root.CreateChild("a").Hold(MemoryKind.User, 100);
        Exception? thrown = null;
        Thread mover, disposer;
        using (root.Controller.Reserves.Gate.EnterScope())
        {
            mover = Start(() => charge.TransferTo(target));   // in the handle, and waits for the tree
            disposer = Start(() => thrown = Record.Exception(charge.Dispose));
            disposer.Interrupt();
        }

        mover.Join();
        disposer.Join();
        Assert.Null(thrown);
        Assert.Equal(0, root.Memory.CurrentBytes);
    }

    [Fact]
    public void A_charge_that_stands_is_not_lost_when_it_is_noted_as_busy()
    {
        var time = new BlockingTime();
        MemoryGroup group = new MemoryController(options: new() { Time = time }).Root.CreateChild("a");
        var trigger = new PressureTrigger { Stall = TimeSpan.FromSeconds(1), Window = TimeSpan.FromSeconds(1) };
        using IDisposable watch = group.WatchPressure(trigger, static _ => { });
        Exception? thrown = null;
        Thread staller = Start(() => PressureScope.Enter(group).Dispose());   // has the lock of the group's pressure
        Thread charger = Start(() => thrown = Record.Exception(() => group.Charge(MemoryKind.User, 100)));
        charger.Interrupt();
        time.MayGoOn.Set();
        staller.Join();
        charger.Join();
        Assert.Null(thrown);
        Assert.Equal(100, group.Memory.CurrentBytes);
    }

    // Returns when the thread waits.
    private static Thread Start(Action work)
    {
        var thread = new Thread(() => work());
        thread.Start();
        SpinWait.SpinUntil(() => thread.ThreadState == ThreadState.WaitSleepJoin);
        return thread;
    }

    private sealed class BlockingTime : TimeProvider
    {
        public ManualResetEventSlim MayGoOn { get; } = new(initialState: false, spinCount: 0);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            new BlockingTimer(MayGoOn);
    }

    private sealed class BlockingTimer(ManualResetEventSlim mayGoOn) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            mayGoOn.Wait();
            return true;
        }

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
