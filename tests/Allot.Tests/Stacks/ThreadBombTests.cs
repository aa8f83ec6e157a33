using System.Collections.Concurrent;

namespace Allot.Tests.Stacks;

/// <summary>A "fork bomb" of threads: each starts others until it is refused.</summary>
public sealed class ThreadBombTests : IDisposable
{
    private const long MaxBytes = 8 << 20;

    private readonly MemoryController _tree = new();
    private readonly ConcurrentQueue<Thread> _threads = new();
    private readonly ConcurrentQueue<MemoryLimitExceededException> _refusals = new();
    private readonly SemaphoreSlim _hasGivenUp = new(0);
    private readonly ManualResetEventSlim _mayEnd = new();
    private int _started;

    public void Dispose()
    {
        _hasGivenUp.Dispose();
        _mayEnd.Dispose();
    }

    [Fact]
    public void It_stops_at_the_limit_of_its_group_while_others_start_theirs()
    {
        CancellationToken stop = TestContext.Current.CancellationToken;
        MemoryGroup bomb = _tree.Root.CreateChild("bomb", new() { KernelMaxBytes = MaxBytes });
        MemoryGroup neighbour = _tree.Root.CreateChild("neighbour", new() { KernelMaxBytes = MaxBytes });
        long each = ThreadStack.ChargeFor(HeldThread.StackBytes);

        Spread(bomb);
        for (int givenUp = 0; givenUp < Volatile.Read(ref _started); givenUp++) _hasGivenUp.Wait(stop);

        // A stack can be larger than was asked for, and then fewer threads fit: but not one more, and none was refused
        // that would have fitted.
        int count = _threads.Count;
        Assert.InRange(count, 1, MaxBytes / each);
        Assert.True(MaxBytes - bomb.Kernel.CurrentBytes < each, "The next does not fit.");
        Assert.Equal(new GroupThreadStat(count, bomb.Kernel.CurrentBytes), bomb.ReadThreadStat());
        Assert.Equal(count, _refusals.Count);
        Assert.All(_refusals, refused =>
        {
            Assert.Equal((bomb, CounterKind.Kernel), (refused.Refusal.Limiter, refused.Refusal.Counter));
            Assert.Contains("Raise Kernel.MaxBytes on '/bomb'", refused.Message, StringComparison.Ordinal);
        });

        List<HeldThread> others = [.. Enumerable.Range(0, 5).Select(_ => new HeldThread(neighbour))];
        Assert.Equal(5, neighbour.ReadThreadStat().Threads);
        foreach (HeldThread other in others) other.Dispose();

        _mayEnd.Set();
        foreach (Thread thread in _threads) thread.Join();
        Assert.Equal(default, _tree.Root.ReadThreadStat());
        Assert.Equal(default, _tree.Root.ReadStat());
        Assert.Empty(TreeWalk.FindViolations(_tree));
    }

    private void Spread(MemoryGroup group)
    {
        Interlocked.Increment(ref _started);   // before: who starts others has not given up
        var options = new GroupThreadOptions { StackBytes = HeldThread.StackBytes, IsBackground = true };
        _threads.Enqueue(GroupThread.Start(group, options, () => Explode(group)));
    }

    private void Explode(MemoryGroup group)
    {
        try
        {
            while (true) Spread(group);
        }
        catch (MemoryLimitExceededException refused)
        {
            Interlocked.Decrement(ref _started);
            _refusals.Enqueue(refused);
        }

        _hasGivenUp.Release();
        _mayEnd.Wait();
    }
}
