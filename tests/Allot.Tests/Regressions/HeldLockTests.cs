namespace Allot.Tests.Regressions;

/// <summary>Letting go of the last bytes, handle or group while holding a lock that others need is no deadlock, and runs
/// nobody else's code inside of that lock.</summary>
public sealed class HeldLockTests
{
    private static readonly TimeSpan s_longEnough = TimeSpan.FromMinutes(1);   // only reached by a failure

    private static CancellationToken Test => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Who_waits_for_room_is_not_run_inside_of_the_lock_of_who_gives_it()
    {
        var tree = new TreeOfThree(middle: new() { MaxBytes = 100 });
        var parentsLock = new Lock();
        MemoryCharge last = tree.Leaf.Hold(MemoryKind.User, 100);
        Task waiting = WaitAndEnter();
        lock (parentsLock)
        {
            last.Dispose();
            tree.Leaf.Remove();
        }

        await waiting;
        Assert.Equal([50, 50, 0], tree.Memory);

        async Task WaitAndEnter()
        {
            await tree.Middle.ChargeAsync(MemoryKind.User, 50, Test);
            Assert.False(parentsLock.IsHeldByCurrentThread);
            lock (parentsLock) Assert.Equal(100, tree.Middle.Memory.MaxBytes);
        }
    }

    // The walk of a parent's reclaim meets the child, whose reclaimer drops the last handle and removes the child.
    [Fact]
    public void A_reclaimer_may_drop_the_last_handle_of_its_group_and_remove_it()
    {
        var tree = new TreeOfThree(middle: new() { MaxBytes = 100 });
        MemoryGroup child = tree.Middle.CreateChild("child");
        MemoryCharge last = child.Hold(MemoryKind.User, 90);
        using var cache = new TestReclaimer(child, () => last.Bytes, _ =>
        {
            long bytes = last.Bytes;
            last.Dispose();
            child.Remove();
            return bytes;
        });
        tree.Leaf.Charge(MemoryKind.User, 50);
        Assert.Equal(MemoryGroupState.Offline, child.State);
        Assert.Equal([50, 50, 50], tree.Memory);
        Assert.Empty(TreeWalk.FindViolations(tree.Controller));
    }

    // The thread that charges is in the reclaimer and wants the lock; the thread that has it lets go of everything.
    [Fact]
    public void The_holder_of_a_lock_that_a_reclaimer_wants_can_uncharge_remove_and_kill()
    {
        var tree = new TreeOfThree(middle: new() { MaxBytes = 100 });
        MemoryGroup child = tree.Middle.CreateChild("child"), other = tree.Middle.CreateChild("other");
        MemoryCharge last = child.Hold(MemoryKind.User, 90);
        tree.Leaf.Charge(MemoryKind.User, 10);   // whoever holds nothing is not asked
        var parentsLock = new Lock();
        using var isInside = new ManualResetEventSlim();
        using var cache = new TestReclaimer(tree.Leaf, () => 1, _ =>
        {
            isInside.Set();
            lock (parentsLock) return 0;
        });
        Thread charging;
        lock (parentsLock)
        {
            charging = new Thread(() => tree.Leaf.Charge(MemoryKind.User, 50)) { IsBackground = true };
            charging.Start();
            Assert.True(isInside.Wait(s_longEnough, Test));
            other.Kill("test");
            last.Dispose();
            child.Remove();
            tree.Middle.CreateChild("child");
            tree.Middle.Memory.MaxBytes = 1_000;
        }

        Assert.True(charging.Join(s_longEnough));
        Assert.Equal([60, 60, 60], tree.Memory);
    }

    // Groups are removed by whoever drops their last handle while another thread walks, creates and removes there.
    [Fact]
    public void Last_handles_that_remove_their_groups_meet_others_that_create_there()
    {
        var tree = new TreeOfThree();
        var parentsLock = new Lock();
        Parallel.For(0, 4, worker =>
        {
            for (int i = 0; i < 300; i++)
            {
                MemoryGroup group;
                MemoryCharge last;
                lock (parentsLock)
                {
                    group = tree.Middle.CreateChild($"g{worker}-{i}");
                    last = group.Hold(MemoryKind.User, 10);
                }

                if (i % 10 == 0) _ = tree.Middle.Reclaim(1);
                lock (parentsLock)
                {
                    last.Dispose();
                    group.Remove();
                }
            }
        });
        Assert.Single(tree.Middle.Children);
        Assert.Equal([0, 0, 0], tree.Memory);
    }
}
