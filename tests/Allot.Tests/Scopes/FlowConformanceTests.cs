using System.Runtime.CompilerServices;

namespace Allot.Tests.Scopes;

/// <summary>Where scopes go and where they do not, by the ids of docs/reference/scopes.md.</summary>
public sealed class FlowConformanceTests
{
    private const AllocationRestrictions Nothing = AllocationRestrictions.None;

    private readonly MemoryGroup _group = new MemoryController().Root.CreateChild("g");

    private static AllocationRestrictions Here => AllocationContext.Restrictions;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void B16_a_thread_scope_does_not_go_with_queued_work()
    {
        (AllocationRestrictions, MemoryGroup?) there = (AllocationRestrictions.NoIo, _group);
        using (AllocationScope.NoFs())
        using (_group.Enter())
        {
            RunOnPool(() => there = (Here, MemoryGroup.Current));
        }

        Assert.Equal((Nothing, null), there);
    }

    [Fact]
    public async Task B17_a_flowing_scope_goes_with_await_tasks_threads_and_parallel_loops()
    {
        using FlowingScope noFs = FlowingScope.NoFs();
        using FlowingScope active = _group.EnterFlow();
        await Task.Yield();
        AssertFlowed();
        await Task.Run(AssertFlowed, Token);
        var thread = new Thread(AssertFlowed);
        thread.Start();
        thread.Join();
        Parallel.For(0, 8, _ => AssertFlowed());
        AssertFlowed();

        void AssertFlowed() => Assert.Equal((AllocationRestrictions.NoFs, _group), (Here, MemoryGroup.Current));
    }

    [Fact]
    public async Task B17_what_is_awaited_charges_the_group_of_its_own_flow()
    {
        MemoryGroup other = _group.CreateChild("other");
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => ChargeIn(i % 2 == 0 ? _group : other)));
        Assert.Equal(100, other.Memory.CurrentBytes);
        Assert.Equal(200, _group.Memory.CurrentBytes);
        Assert.Null(MemoryGroup.Current);

        static async Task ChargeIn(MemoryGroup group)
        {
            using FlowingScope active = group.EnterFlow();
            for (int i = 0; i < 10; i++)
            {
                await Task.Yield();
                Assert.Equal(group, AmbientCharging.Charge(MemoryKind.User, 1));
            }
        }
    }

    [Fact]
    public void B18_a_flowing_scope_does_not_go_with_unsafe_work_nor_to_finalizers()
    {
        using FlowingScope noFs = FlowingScope.NoFs();
        using FlowingScope active = _group.EnterFlow();
        (AllocationRestrictions, MemoryGroup?) queued = default, started = default;
        using var done = new ManualResetEventSlim();
        ThreadPool.UnsafeQueueUserWorkItem(
            _ =>
            {
                queued = (Here, MemoryGroup.Current);
                done.Set();
            },
            null);
        var thread = new Thread(() => started = (Here, MemoryGroup.Current));
        thread.UnsafeStart();
        thread.Join();
        done.Wait(Token);
        Assert.Equal((Nothing, null), queued);
        Assert.Equal((Nothing, null), started);

        var seen = new StrongBox<AllocationRestrictions?>();
        Abandon(seen);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Equal(Nothing, seen.Value);
    }

    [Fact]
    public async Task B19_what_an_async_method_enters_is_not_seen_by_its_caller()
    {
        FlowingScope opened = await Open();
        Assert.Equal((Nothing, null), (Here, MemoryGroup.Current));
        Assert.Throws<ScopeMisuseException>(opened.Dispose);   // this flow has never entered it
        Assert.Equal(Nothing, Here);

        async Task<FlowingScope> Open()
        {
            FlowingScope scope = FlowingScope.NoIo();
            _ = _group.EnterFlow();
            await Task.Yield();
            Assert.Equal((AllocationRestrictions.NoIo, _group), (Here, MemoryGroup.Current));
            return scope;
        }
    }

    [Fact]
    public void B20_a_timer_keeps_the_flow_that_it_was_made_in_unless_that_was_suppressed()
    {
        AllocationRestrictions kept = default, suppressed = AllocationRestrictions.NoIo;
        using var both = new CountdownEvent(2);
        Timer first, second;
        using (FlowingScope.NoFs())
        {
            first = new Timer(_ => Note(ref kept), null, Timeout.Infinite, Timeout.Infinite);
            using (ExecutionContext.SuppressFlow())
            {
                second = new Timer(_ => Note(ref suppressed), null, Timeout.Infinite, Timeout.Infinite);
            }
        }

        using (first)
        using (second)
        {
            first.Change(0, Timeout.Infinite);
            second.Change(0, Timeout.Infinite);
            both.Wait(Token);
        }

        Assert.Equal((AllocationRestrictions.NoFs, Nothing), (kept, suppressed));

        void Note(ref AllocationRestrictions seen)
        {
            seen = Here;
            both.Signal();
        }
    }

    [Fact]
    public void B20_reclaim_by_a_thread_of_the_pool_is_in_no_scope_of_who_has_caused_it()
    {
        MemoryGroup group = _group.CreateChild("high", new() { HighBytes = 100 });
        var seen = new List<AllocationRestrictions>();
        using var called = new ManualResetEventSlim();
        _ = new NeedyReclaimer(group, 100, ReclaimNeeds.Io)
        {
            WhenCalled = () =>
            {
                seen.Add(Here);
                called.Set();
            },
        };
        using (FlowingScope.NoIo())
        using (AllocationScope.NoFs())
        {
            Assert.True(group.TryCharge(MemoryKind.User, 50, out _));
            called.Wait(Token);
        }

        Assert.All(seen, restrictions => Assert.Equal(AllocationRestrictions.NoReclaim, restrictions));
    }

    // The exception to the rule: a task that runs on the thread that waits for it sees what that thread is in.
    [Fact]
    public void B21_a_task_without_a_flow_that_its_waiter_runs_sees_the_scopes_of_the_waiter()
    {
        (AllocationRestrictions, MemoryGroup?) seen = default;
        Task task;
        using (ExecutionContext.SuppressFlow()) task = new Task(() => seen = (Here, MemoryGroup.Current));
        using ThreadScope noFs = AllocationScope.NoFs();
        using FlowingScope noIo = FlowingScope.NoIo();
        using ActiveGroupScope active = _group.Enter();
        RunByWaiting(task);
        Assert.Equal((AllocationRestrictions.NoFs | AllocationRestrictions.NoIo, _group), seen);
    }

    [Fact]
    public void B21_a_task_with_a_flow_of_its_own_charges_its_own_group_wherever_it_runs()
    {
        MemoryGroup other = _group.CreateChild("other");
        MemoryGroup? seen = null;
        Task task;
        using (other.EnterFlow()) task = new Task(() => seen = MemoryGroup.Current);
        using ActiveGroupScope active = _group.Enter();
        RunByWaiting(task);
        Assert.Equal(other, seen);
        Assert.Equal(_group, MemoryGroup.Current);
    }

    [Fact]
    public void B22_scopes_of_the_thread_and_of_the_flow_nest_in_each_other()
    {
        MemoryGroup b = _group.CreateChild("b"), c = _group.CreateChild("c");
        using (_group.EnterFlow())
        {
            using (b.Enter())
            {
                using (FlowingScope.NoFs()) Assert.Equal(b, MemoryGroup.Current);
                using (c.EnterFlow())
                {
                    Assert.Equal(c, MemoryGroup.Current);
                    using (b.Enter()) Assert.Equal(b, MemoryGroup.Current);
                    Assert.Equal(c, MemoryGroup.Current);
                }

                Assert.Equal(b, MemoryGroup.Current);
                using (FlowingScope.ActiveGroup(null)) Assert.Null(MemoryGroup.Current);
            }

            Assert.Equal(_group, MemoryGroup.Current);
        }

        Assert.Null(MemoryGroup.Current);
    }

    // The "interrupts" of a process: work that belongs to nobody says for whom it is.
    [Fact]
    public void B38_timers_finalizers_and_callbacks_are_in_no_scope_and_charge_whom_they_say()
    {
        var seen = new List<(AllocationRestrictions, MemoryGroup?)>();
        using var done = new ManualResetEventSlim();
        using var cancellation = new CancellationTokenSource();
        using CancellationTokenRegistration registration = cancellation.Token.UnsafeRegister(_ => Work(), null);
        using (var timer = new Timer(_ => Work(), null, Timeout.Infinite, Timeout.Infinite))
        using (FlowingScope.NoFs())
        using (_group.CreateChild("interrupted").EnterFlow())
        using (AllocationScope.NoIo())
        {
            timer.Change(0, Timeout.Infinite);
            done.Wait(Token);
        }

        cancellation.Cancel();
        var box = new StrongBox<AllocationRestrictions?>();
        Abandon(box, Work);
        GC.Collect();
        GC.WaitForPendingFinalizers();

        Assert.All(seen, found => Assert.Equal((Nothing, null), found));
        Assert.Equal((3, 30), (seen.Count, _group.Memory.CurrentBytes));

        void Work()
        {
            lock (seen) seen.Add((Here, MemoryGroup.Current));
            using (_group.Enter()) AmbientCharging.Charge(MemoryKind.User, 10);
            done.Set();
        }
    }

    [Fact]
    public void A_flowing_scope_left_out_of_order_throws_and_changes_nothing()
    {
        using FlowingScope outer = FlowingScope.NoFs();
        using (FlowingScope.NoIo())
        {
            Assert.Throws<ScopeMisuseException>(outer.Dispose);
            Assert.Equal(AllocationRestrictions.NoFs | AllocationRestrictions.NoIo, Here);
        }

        Assert.Equal(AllocationRestrictions.NoFs, Here);
    }

    // The two cannot be told from the method that has entered the scope and goes on after an await: all have the same
    // ExecutionContext, and any thread.
    [Theory, InlineData(true), InlineData(false)]
    public async Task A_scope_that_a_task_or_a_callee_has_left_holds_until_it_is_left_where_it_was_entered_which_throws(
        bool isTask)
    {
        FlowingScope scope = FlowingScope.NoFs();
        await (isTask ? Task.Run(Leave, Token) : LeaveAsync());
        Assert.Equal(AllocationRestrictions.NoFs, Here);
        string message = Assert.Throws<ScopeMisuseException>(scope.Dispose).Message;
        Assert.Contains("was left in another flow before", message, StringComparison.Ordinal);
        Assert.Equal(Nothing, Here);
        scope.Dispose();

        void Leave()
        {
            scope.Dispose();
            Assert.Equal(Nothing, Here);
        }

        async Task LeaveAsync()
        {
            await Task.Yield();
            Leave();
        }
    }

    // Why ALLOT003 reports a flowing scope that is held across a yield.
    [Fact]
    public async Task An_iterator_leaves_its_scope_to_who_asks_and_an_asynchronous_one_loses_it()
    {
        foreach (int number in Each()) Assert.Equal((1, AllocationRestrictions.NoFs), (number, Here));
        Assert.Equal(Nothing, Here);
        await Assert.ThrowsAsync<ScopeMisuseException>(async () =>
        {
            await foreach (int number in EachAsync()) Assert.Equal((1, Nothing), (number, Here));
        });

#pragma warning disable ALLOT003   // that is what is shown
        static IEnumerable<int> Each()
        {
            using (FlowingScope.NoFs()) yield return 1;
        }

        static async IAsyncEnumerable<int> EachAsync()
        {
            using FlowingScope scope = FlowingScope.NoFs();
            await Task.Yield();
            yield return 1;
        }
#pragma warning restore ALLOT003
    }

    [Fact]
    public async Task A_scope_that_does_not_hold_in_a_flow_cannot_be_left_there()
    {
        using FlowingScope scope = FlowingScope.NoFs();
        var tried = new TaskCompletionSource<Exception?>();
        ThreadPool.UnsafeQueueUserWorkItem(_ => tried.SetResult(Record.Exception(scope.Dispose)), null);
        Assert.IsType<ScopeMisuseException>(await tried.Task.WaitAsync(Token));
        Assert.Equal(AllocationRestrictions.NoFs, Here);
    }

    private static void RunByWaiting(Task task)
    {
        task.Start(new OnlyByWaiting());
        task.Wait(CancellationToken.None);   // with a token that can fire it would not be run by the waiter
    }

    // Tasks run when somebody waits for them, on that thread: the pool does so when it is lucky, this always.
    private sealed class OnlyByWaiting : TaskScheduler
    {
        protected override void QueueTask(Task task)
        {
        }

        protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => TryExecuteTask(task);

        protected override IEnumerable<Task> GetScheduledTasks() => [];
    }

    private static void RunOnPool(Action action)
    {
        using var done = new ManualResetEventSlim();
        ThreadPool.QueueUserWorkItem(_ =>
        {
            action();
            done.Set();
        });
        done.Wait(Token);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Abandon(StrongBox<AllocationRestrictions?> seen, Action? work = null) =>
        _ = new Finalized(seen, work);

    private sealed class Finalized(StrongBox<AllocationRestrictions?> seen, Action? work)
    {
        ~Finalized()
        {
            seen.Value = Here;
            work?.Invoke();
        }
    }
}
