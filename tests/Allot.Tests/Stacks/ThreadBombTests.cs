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
        int most = (int)(MaxBytes / each);

        Spread(bomb);
        for (int i = 0; i < most; i++) _hasGivenUp.Wait(stop);

        Assert.Equal(most, _threads.Count);
        Assert.Equal(most, _refusals.Count);
        Assert.All(_refusals, refused =>
        {
            Assert.Equal((bomb, CounterKind.Kernel), (refused.Refusal.Limiter, refused.Refusal.Counter));
            Assert.Contains("Raise Kernel.MaxBytes on '/bomb'", refused.Message, StringComparison.Ordinal);
        });
        Assert.Equal(new GroupThreadStat(most, most * each), bomb.ReadThreadStat());
        Assert.InRange(bomb.Kernel.PeakBytes, most * each, MaxBytes);

        List<HeldThread> others = [.. Enumerable.Range(0, most).Select(_ => new HeldThread(neighbour))];
        Assert.Equal(most * each, neighbour.Kernel.CurrentBytes);
        foreach (HeldThread other in others) other.Dispose();

        _mayEnd.Set();
        foreach (Thread thread in _threads) thread.Join();
        Assert.Equal(default, _tree.Root.ReadThreadStat());
        Assert.Equal(default, _tree.Root.ReadStat());
        Assert.Empty(TreeWalk.FindViolations(_tree));
    }

    private void Spread(MemoryGroup group) => _threads.Enqueue(
        GroupThread.Start(group, new() { StackBytes = HeldThread.StackBytes, IsBackground = true }, () => Explode(group)));

    private void Explode(MemoryGroup group)
    {
        try
        {
            while (true) Spread(group);
        }
        catch (MemoryLimitExceededException refused)
        {
            _refusals.Enqueue(refused);
        }

        _hasGivenUp.Release();
        _mayEnd.Wait();
    }
}
