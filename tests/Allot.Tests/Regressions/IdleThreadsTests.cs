namespace Allot.Tests.Regressions;

/// <summary>What idle threads hold in advance is in nobody's way: not near small limits, not when groups come and go.
/// </summary>
public sealed class IdleThreadsTests
{
    private const long MiB = 1 << 20;

    // Linux counts such bytes as used: near a small limit they cause reclaim and events that nobody's use explains.
    [Fact]
    public void A_charge_that_fits_beside_idle_threads_reclaims_nothing_and_is_no_event()
    {
        var tree = new TreeOfThree(middle: new() { MaxBytes = 4 * MiB });
        Sleeper[] idle = [.. Enumerable.Range(0, 8).Select(_ => new Sleeper(() => MakeBusy(tree.Leaf)))];
        Assert.NotEqual(0, tree.Middle.Memory.ReservedBytes);
        MemoryGroup cached = tree.Middle.CreateChild("cached");
        cached.Charge(MemoryKind.User, MiB);
        using var cache = new TestReclaimer(cached, () => MiB, _ => 0);
        tree.Leaf.Charge(MemoryKind.User, 3 * MiB);
        Assert.Equal(4 * MiB, tree.Middle.Memory.CurrentBytes);
        Assert.Equal((0, default), (cache.Asked, tree.Root.ReadEvents()));
        Assert.Equal(0, tree.Middle.Memory.ReservedBytes);
        foreach (Sleeper thread in idle) thread.Dispose();
    }

    [Fact]
    public void Groups_that_come_and_go_leave_nothing_with_threads_that_sleep_on()
    {
        var tree = new MemoryController(options: new() { Time = new ManualTime() });
        MemoryGroup group = tree.Root;
        Sleeper[] threads = [.. Enumerable.Range(0, 8).Select(_ => new Sleeper(() => { }))];
        for (int round = 0; round < 100; round++)
        {
            group = tree.Root.CreateChild($"g{round}");
            foreach (Sleeper thread in threads) Assert.True(thread.Ask(() => MakeBusy(group)));
            Assert.Equal(threads.Length, tree.Reserves.BoundSlots);
            group.Remove();
            Assert.Equal((0, 0), (tree.Reserves.BoundSlots, tree.Root.Memory.ReservedBytes));
            Assert.Equal((0, 0), (tree.Root.Memory.RecordedBytes, group.Memory.RecordedBytes));
        }

        foreach (Sleeper thread in threads) thread.Dispose();
    }

    private static bool MakeBusy(MemoryGroup group)
    {
        for (int i = 0; i < 100; i++)
        {
            group.Charge(MemoryKind.User, 10);
            group.Uncharge(MemoryKind.User, 10);
        }

        return true;
    }
}
