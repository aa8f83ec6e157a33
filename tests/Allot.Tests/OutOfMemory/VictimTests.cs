using Allot.Tests.Reclaim;

namespace Allot.Tests.OutOfMemory;

/// <summary>Victims that do not die, that take their time, or that were killed already.</summary>
public sealed class VictimTests
{
    private static readonly TimeSpan s_short = TimeSpan.FromMilliseconds(20);

    [Fact]
    public void A_victim_that_does_not_die_is_one_victim_and_one_refusal()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { MaxBytes = 100 }, s_short);
        MemoryGroup stuck = tree.Tenant("stuck", 0), other = tree.Tenant("other", 40);
        stuck.Charge(MemoryKind.User, 60);
        var refusal = Assert.Throws<MemoryLimitExceededException>(() => other.Charge(MemoryKind.User, 1)).Refusal;

        Assert.Equal(RefusalReason.LimitReached, refusal.Reason);
        Assert.Equal([1, 0], OomTree.OomKills(stuck, other));
        Assert.Equal(1, tree.Domain.ReadLocalEvents().Oom);
        Assert.Equal(100, tree.Domain.Memory.CurrentBytes);
    }

    [Fact]
    public void The_grace_is_counted_by_the_clock_of_the_tree()
    {
        var hour = TimeSpan.FromHours(1);
        var time = new SkippingTime();
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { MaxBytes = 100 }, hour, time);
        MemoryGroup stuck = tree.Tenant("stuck", 0), other = tree.Tenant("other", 40);
        stuck.Charge(MemoryKind.User, 60);
        Assert.Throws<MemoryLimitExceededException>(() => other.Charge(MemoryKind.User, 1));
        Assert.Equal(hour, time.Slept);
        Assert.Equal([1, 0], OomTree.OomKills(stuck, other));
        Assert.Equal(hour, stuck.Life!.Ending!.Age);
    }

    [Fact]
    public void A_victim_that_lets_go_within_the_grace_ends_the_wait()
    {
        var time = new SkippingTime();
        var tree = new OomTree(
            OutOfMemoryPolicy.Largest, new() { MaxBytes = 100 }, grace: TimeSpan.FromHours(1), time);
        MemoryGroup slow = tree.Tenant("slow", 0), other = tree.Tenant("other", 40);
        slow.Charge(MemoryKind.User, 60);
        time.InWait = () =>
        {
            if (time.Slept >= TimeSpan.FromMinutes(1)) slow.Uncharge(MemoryKind.User, slow.Memory.CurrentBytes);
        };
        other.Charge(MemoryKind.User, 1);
        Assert.Equal(TimeSpan.FromMinutes(1), time.Slept);
        Assert.Equal(41, tree.Domain.Memory.CurrentBytes);
    }

    [Fact]
    public void After_its_grace_the_next_charge_may_have_another_one_killed()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { MaxBytes = 100 }, TimeSpan.Zero);
        MemoryGroup stuck = tree.Tenant("stuck", 0), other = tree.Tenant("other", 0), asks = tree.Tenant("asks", 0);
        stuck.Charge(MemoryKind.User, 60);
        other.Charge(MemoryKind.User, 40);
        Assert.Throws<MemoryLimitExceededException>(() => asks.Charge(MemoryKind.User, 1));
        Assert.Equal([1, 0], OomTree.OomKills(stuck, other));
        Assert.Throws<MemoryLimitExceededException>(() => asks.Charge(MemoryKind.User, 1));
        Assert.Equal([1, 1], OomTree.OomKills(stuck, other));
        Assert.Throws<MemoryLimitExceededException>(() => asks.Charge(MemoryKind.User, 1));
        Assert.Equal([1, 1], OomTree.OomKills(stuck, other));
        Assert.Equal(OutOfMemoryOutcome.Refused, tree.Last.Outcome);
        Assert.Equal(3, tree.Domain.ReadLocalEvents().Oom);

        stuck.Uncharge(MemoryKind.User, 60);
        asks.Charge(MemoryKind.User, 1);
    }

    [Fact]
    public void A_group_that_was_killed_by_hand_is_waited_for_before_another_one_is_chosen()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { MaxBytes = 100 });
        MemoryGroup dying = tree.Tenant("dying", 0), large = tree.Tenant("large", 60), asks = tree.Tenant("asks", 0);
        dying.Charge(MemoryKind.User, 40);
        dying.Kill("by hand");
        OutOfMemoryDecision preview = tree.Controller.PreviewOutOfMemory(tree.Domain);
        Assert.Equal(OutOfMemoryOutcome.WaitsForKilled, preview.Outcome);
        Assert.Equal("'/d/dying' was killed and still holds 40 bytes", preview.Reason);

        var thread = new Thread(() => asks.Charge(MemoryKind.User, 10)) { IsBackground = true };
        thread.Start();
        SpinWait.SpinUntil(() => tree.Domain.Memory.HasLine);
        dying.Uncharge(MemoryKind.User, 40);
        thread.Join();
        Assert.Equal(10, asks.Memory.CurrentBytes);
        Assert.Equal(MemoryGroupState.Online, large.State);
        Assert.Equal(0, tree.Domain.ReadEvents().Oom);
        Assert.Empty(tree.Controller.OutOfMemoryDecisions);
    }

    [Fact]
    public void Many_that_run_out_at_once_kill_one_when_one_is_enough()
    {
        const int Threads = 6;
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { MaxBytes = 100 });
        MemoryGroup large = tree.Tenant("large", 0), small = tree.Tenant("small", 40), asks = tree.Tenant("asks", 0);
        large.Charge(MemoryKind.User, 60);
        using var everybodyWaits = new ManualResetEventSlim();
        large.Killed.Register(() =>
        {
            everybodyWaits.Wait();
            large.Uncharge(MemoryKind.User, 60);
        });
        Thread[] threads =
        [
            .. Enumerable.Range(0, Threads).Select(_ => new Thread(
                () => Record.Exception(() => asks.Charge(MemoryKind.User, 5)))),
        ];
        foreach (Thread thread in threads) thread.Start();
        bool allWait = SpinWait.SpinUntil(
            () => tree.Domain.Memory.HasLine
                && threads.All(thread => thread.ThreadState.HasFlag(ThreadState.WaitSleepJoin)),
            TimeSpan.FromSeconds(60));
        everybodyWaits.Set();
        foreach (Thread thread in threads) thread.Join();

        Assert.True(allWait);
        Assert.Equal(30, asks.Memory.CurrentBytes);
        Assert.Equal((MemoryGroupState.Killed, MemoryGroupState.Online), (large.State, small.State));
        Assert.Equal(1, tree.Domain.ReadLocalEvents().Oom);
        Assert.Single(tree.Controller.OutOfMemoryDecisions);
    }

    [Fact]
    public void A_callback_that_blocks_holds_up_its_own_kill_only()
    {
        using var block = new ManualResetEventSlim();
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { MaxBytes = 100 }, s_short);
        MemoryGroup stuck = tree.Tenant("stuck", 0), other = tree.Tenant("other", 40), asks = tree.Tenant("asks", 0);
        stuck.Charge(MemoryKind.User, 60);
        stuck.Killed.Register(block.Wait);
        Assert.Throws<MemoryLimitExceededException>(() => asks.Charge(MemoryKind.User, 1));
        while (other.State == MemoryGroupState.Online)
        {
            Record.Exception(() => asks.Charge(MemoryKind.User, 1));
        }

        SpinWait.SpinUntil(() => other.Memory.CurrentBytes == 0);
        Assert.Equal([1, 1], OomTree.OomKills(stuck, other));
        block.Set();
    }

    [Fact]
    public void The_callback_does_not_run_on_the_thread_that_charges()
    {
        object held = new();
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { MaxBytes = 1 }, s_short);
        MemoryGroup b = tree.Domain.CreateChild("b");
        b.Charge(MemoryKind.User, 1);
        int? toldOn = null;
        using var told = new ManualResetEventSlim();
        b.Killed.Register(() =>
        {
            lock (held) toldOn = Environment.CurrentManagedThreadId;
            told.Set();
        });
        lock (held)
        {
            Assert.Throws<MemoryLimitExceededException>(
                () => tree.Tenant("asks", 0).Charge(MemoryKind.User, 1));
        }

        told.Wait(TestContext.Current.CancellationToken);
        Assert.NotEqual(Environment.CurrentManagedThreadId, toldOn);
    }

    [Fact]
    public void Who_waits_and_is_killed_meanwhile_is_refused_as_killed()
    {
        Exception? thrown = EndWaiting(static (_, asks) => asks.Kill("meanwhile"));
        Assert.Equal(RefusalReason.GroupKilled, Assert.IsType<MemoryLimitExceededException>(thrown).Refusal.Reason);
    }

    [Fact]
    public void A_thread_that_is_interrupted_while_it_waits_leaves_nothing_behind() =>
        Assert.IsType<ThreadInterruptedException>(EndWaiting(static (thread, _) => thread.Interrupt()));

    [Fact]
    public void A_victim_that_is_removed_at_once_leaves_its_bytes_to_its_parent_and_the_next_one_goes()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { MaxBytes = 100 });
        MemoryGroup removed = tree.Tenant("removed", 0), other = tree.Tenant("other", 40), asks = tree.Tenant("asks", 0);
        removed.Charge(MemoryKind.User, 60);
        removed.Killed.Register(removed.Remove);
        other.Killed.Register(() => removed.Uncharge(MemoryKind.User, 60));
        tree.Domain.OutOfMemoryPriority = OutOfMemoryPolicy.NeverKilled;
        other.OutOfMemoryPriority = 0;
        removed.OutOfMemoryPriority = 0;
        asks.Charge(MemoryKind.User, 20);
        Assert.Equal([1, 1], OomTree.OomKills(removed, other));

        // Its first callback has made the room; the second may still be to come.
        Assert.True(SpinWait.SpinUntil(() => tree.Domain.Memory.CurrentBytes == 20, TimeSpan.FromSeconds(60)));
    }

    /// <summary>A charge waits for a victim that does not let go; then something ends the wait, and nothing is left.
    /// </summary>
    /// <returns>What the charge threw.</returns>
    private static Exception? EndWaiting(Action<Thread, MemoryGroup> end)
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { MaxBytes = 100 });
        MemoryGroup stuck = tree.Tenant("stuck", 0), asks = tree.Tenant("asks", 0);
        stuck.Charge(MemoryKind.User, 100);
        Exception? thrown = null;
        var thread = new Thread(() => thrown = Record.Exception(() => asks.Charge(MemoryKind.User, 10)));
        thread.Start();
        SpinWait.SpinUntil(() => tree.Domain.Memory.HasLine);
        end(thread, asks);
        thread.Join();
        Assert.False(tree.Domain.Memory.HasLine);
        Assert.Equal(0, asks.Memory.CurrentBytes);
        stuck.Uncharge(MemoryKind.User, 100);
        Assert.Equal(0, tree.Domain.Memory.CurrentBytes);
        return thrown;
    }
}
