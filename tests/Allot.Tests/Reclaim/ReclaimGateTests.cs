namespace Allot.Tests.Reclaim;

/// <summary>One thread at a time reclaims for a target; the others wait for it, but not forever.</summary>
public sealed class ReclaimGateTests
{
    private static readonly TimeSpan s_long = TimeSpan.FromMinutes(1);

    private readonly TreeOfThree _tree = new(middle: new() { MaxBytes = 10_000 });

    [Fact]
    public void The_second_waits_and_takes_the_room_that_the_first_has_made()
    {
        _tree.Controller.ReclaimWaitMax = s_long;
        using TestCache cache = new TestCache(_tree.Leaf).Fill(10_000);
        using var firstIsInside = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        cache.Instead = (_, target) =>
        {
            firstIsInside.Set();
            Assert.True(goOn.Wait(s_long, TestContext.Current.CancellationToken));
            return cache.Free(1_000);
        };

        Thread first = Start(() => _tree.Leaf.Charge(MemoryKind.User, 100));
        Assert.True(firstIsInside.Wait(s_long, TestContext.Current.CancellationToken));
        Thread second = Start(() => _tree.Leaf.Charge(MemoryKind.User, 100));
        Assert.True(SpinWait.SpinUntil(
            () => second.ThreadState.HasFlag(ThreadState.WaitSleepJoin), s_long));
        goOn.Set();
        first.Join();
        second.Join();
        Assert.Single(cache.Asked);
        Assert.Equal(9_200, _tree.Middle.Memory.CurrentBytes);
    }

    [Fact]
    public void A_reclaimer_that_waits_for_the_waiting_thread_is_no_deadlock()
    {
        _tree.Controller.ReclaimWaitMax = TimeSpan.FromMilliseconds(20);
        using TestCache cache = new TestCache(_tree.Leaf).Fill(10_000);
        var lockOfTheCache = new Lock();
        using var firstIsInside = new ManualResetEventSlim();
        Thread first;
        lock (lockOfTheCache)
        {
            cache.Instead = (_, target) =>
            {
                firstIsInside.Set();
                lock (lockOfTheCache) return cache.Free(target);
            };
            first = Start(() => _tree.Leaf.Charge(MemoryKind.User, 100));
            Assert.True(firstIsInside.Wait(s_long, TestContext.Current.CancellationToken));
            Assert.Throws<MemoryLimitExceededException>(() => _tree.Leaf.Charge(MemoryKind.User, 100));
            Assert.Equal(0, _tree.Middle.Reclaim(10));
        }

        first.Join();
        _tree.Leaf.Charge(MemoryKind.User, 100);
        Assert.Empty(TreeWalk.FindViolations(_tree.Controller));
    }

    [Fact]
    public void Two_targets_are_reclaimed_at_the_same_time()
    {
        _tree.Controller.ReclaimWaitMax = TimeSpan.Zero;
        using TestCache cache = new TestCache(_tree.Leaf).Fill(1_000);
        MemoryGroup other = _tree.Root.CreateChild("other");
        using TestCache second = new TestCache(other).Fill(1_000);
        cache.Instead = (_, target) =>
        {
            long freed = 0;
            Thread thread = Start(() => freed = other.Reclaim(10));
            thread.Join();
            Assert.Equal(10, freed);
            return cache.Free(target);
        };
        Assert.Equal(10, _tree.Middle.Reclaim(10));
        Assert.Equal(0, _tree.Root.ReadEvents().ReclaimErrors);
    }

    private static Thread Start(Action body)
    {
        var thread = new Thread(() => body()) { IsBackground = true };
        thread.Start();
        return thread;
    }
}
