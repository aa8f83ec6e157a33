namespace Allot.Tests.Regressions;

/// <summary>A large request that waits is not starved by small ones, and a wait ends in one way when several come at
/// once.</summary>
public sealed class WaitingLineTests
{
    private static CancellationToken Test => TestContext.Current.CancellationToken;

    // Four threads charge and uncharge without a pause, so that a moment with nothing in use hardly ever comes by
    // itself. The request for everything is served all the same: if not, this test does not end.
    [Fact]
    public async Task A_request_for_everything_is_served_among_threads_that_never_pause()
    {
        const int Threads = 4, Requests = 20;
        const long MaxBytes = 1_000;
        var tree = new TreeOfThree(middle: new() { MaxBytes = MaxBytes });
        bool stop = false;
        long passed = 0;
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(_ => new Thread(ChargeWithoutPause))];
        foreach (Thread thread in threads) thread.Start();
        try
        {
            for (int i = 0; i < Requests; i++)
            {
                await tree.Middle.ChargeAsync(MemoryKind.User, MaxBytes, Test);
                tree.Middle.Uncharge(MemoryKind.User, MaxBytes);
            }
        }
        finally
        {
            Volatile.Write(ref stop, true);
            foreach (Thread thread in threads) thread.Join();
        }

        Assert.NotEqual(0, passed);
        Assert.Equal([0, 0, 0], tree.Memory);
        Assert.Equal(MaxBytes, tree.Middle.Memory.PeakBytes);

        void ChargeWithoutPause()
        {
            while (!Volatile.Read(ref stop))
            {
                if (!tree.Leaf.TryCharge(MemoryKind.User, 300, out ChargeRefusal _)) continue;
                Interlocked.Increment(ref passed);
                tree.Leaf.Uncharge(MemoryKind.User, 300);
            }
        }
    }

    // Many small ones that wait as well, all the time: order of arrival serves the large one in its turn.
    [Fact]
    public async Task A_large_request_is_served_in_its_turn_among_small_ones_that_wait_too()
    {
        var tree = new TreeOfThree(middle: new() { MaxBytes = 100 });
        tree.Leaf.Charge(MemoryKind.User, 100);
        Task[] before = [.. Enumerable.Range(0, 5).Select(_ => Small())];
        Task large = tree.Leaf.ChargeAsync(MemoryKind.User, 90, Test).AsTask();
        Task[] after = [.. Enumerable.Range(0, 5).Select(_ => Small())];
        tree.Leaf.Uncharge(MemoryKind.User, 50);
        await Task.WhenAll(before);
        Assert.Equal((false, 0), (large.IsCompleted, after.Count(task => task.IsCompleted)));
        tree.Leaf.Uncharge(MemoryKind.User, 90);
        await large;
        Assert.All(after.Skip(1), task => Assert.False(task.IsCompleted));
        tree.Leaf.Uncharge(MemoryKind.User, 90);
        await Task.WhenAll(after);
        Assert.Equal([60, 60, 60], tree.Memory);

        Task Small() => tree.Leaf.ChargeAsync(MemoryKind.User, 10, Test).AsTask();
    }

    // The room comes, the group is killed, and the token fires: all at once. Whoever wins, the bytes are charged if and
    // only if the wait ended well.
    [Theory, InlineData(true), InlineData(false)]
    public async Task A_wait_that_is_ended_by_several_at_once_ends_once(bool kills)
    {
        int served = 0, ended = 0;
        for (int round = 0; round < 500; round++)
        {
            var tree = new TreeOfThree(root: new() { MaxBytes = 10 });
            MemoryGroup other = tree.Root.CreateChild("other");
            other.Charge(MemoryKind.User, 10);
            using var source = new CancellationTokenSource();
            Task waiting = tree.Leaf.ChargeAsync(MemoryKind.User, 10, source.Token).AsTask();
            Assert.False(waiting.IsCompleted);
            Parallel.Invoke(
                () => other.Uncharge(MemoryKind.User, 10),
                () =>
                {
                    if (kills) tree.Middle.Kill("test");
                    else tree.Leaf.Remove();
                },
                () =>
                {
                    if (round % 4 == 0) source.Cancel();
                });
            try
            {
                await waiting;
                served++;
                tree.Leaf.Uncharge(MemoryKind.User, 10);
            }
            catch (Exception exception) when (exception is MemoryLimitExceededException or OperationCanceledException)
            {
                ended++;
            }

            Assert.Equal([0, 0, 0], tree.Memory);
            Assert.False(tree.Leaf.TryCharge(MemoryKind.User, 1, out _));
            other.Charge(MemoryKind.User, 10);   // nothing is promised to the dead
            Assert.Equal(0, tree.Root.ReadEvents().AccountingErrors);
        }

        Assert.Equal(500, served + ended);
    }
}
