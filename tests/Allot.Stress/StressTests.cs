using Allot.Testing;

namespace Allot.Stress;

/// <summary>Real threads on one tree: I1 is watched at every instant that can be seen, and at the end everything is
/// zero and every refusal was counted once.</summary>
public sealed class StressTests(ITestOutputHelper output)
{
    public static TheoryData<ulong> Seeds => [.. Load.Seeds];

    [Theory, MemberData(nameof(Seeds))]
    public void Everything_at_once_ends_at_zero(ulong seed) => Run(seed, unit: 1, groups: 14);

    [Theory, MemberData(nameof(Seeds))]
    public void Everything_at_once_with_reserves_ends_at_zero(ulong seed) =>
        Assert.True(
            Run(seed, unit: 4096, groups: 14), "Nobody held anything in advance: the test proves nothing.");

    [Theory, MemberData(nameof(Seeds))]
    public void A_thousand_groups_and_eight_threads_end_at_zero(ulong seed) =>
        Run(seed, unit: 4096, groups: 1000, workers: 8);

    private bool Run(ulong seed, long unit, int groups, int workers = Load.Workers)
    {
        output.WriteLine($"ALLOT_STRESS_SEED={seed}");
        int hasReserved = 0;
        var tree = new StressTree(new Prng(seed), unit, groups);
        var shared = new MemoryCharge?[64];
        Worker[] crew =
            [.. Enumerable.Range(1, workers).Select(i => new Worker(tree, (seed * 1000) + (ulong)i, shared))];
        var meddler = new Meddler(tree, seed * 1000);

        int operations = Load.Operations(25_000);
        Crew.Run(
            [.. crew.Select(worker => (Action)(() =>
            {
                worker.Work(operations);
                NoteReserved();
            })), () => meddler.Work(operations / 4)],
            watch: () =>
            {
                WatchLimits(tree);
                NoteReserved();
            });

        foreach (MemoryCharge? handle in shared) handle?.Dispose();
        Assert.Empty(TreeWalk.FindViolations(tree.Controller));
        tree.RemoveAll();
        AssertZeroEverywhere(tree);
        AssertEventsAreExact(tree, crew.Sum(worker => worker.Refusals) + tree.RefusedGroups);
        return hasReserved != 0;

        void NoteReserved()
        {
            if (tree.Controller.Root.Memory.ReservedBytes > 0) Volatile.Write(ref hasReserved, 1);
        }
    }

    // Use is read first: the limit only grows, so the one that is read later is at least as high as the one at that
    // time.
    private static void WatchLimits(StressTree tree)
    {
        foreach (MemoryGroup group in tree.Calm)
        {
            foreach (MemoryCounter counter in (ReadOnlySpan<MemoryCounter>)[group.Memory, group.Kernel, group.Pins])
            {
                long used = counter.CurrentBytes;
                long max = counter.MaxBytes;
                Assert.InRange(used, 0, max);
                Assert.InRange(counter.PeakBytes, 0, counter.MaxBytes);

                long together = counter.ReadUsed(out long itsMax);
                Assert.InRange(together, 0, itsMax);
            }
        }
    }

    private static void AssertZeroEverywhere(StressTree tree)
    {
        Assert.Empty(TreeWalk.FindViolations(tree.Controller));
        tree.Controller.Reserves.TakeBack(tree.Controller.Root.Memory);
        Assert.Equal(0, tree.Controller.Root.Memory.ReservedBytes);
        Assert.Empty(TreeWalk.FindViolations(tree.Controller));
        foreach (MemoryGroup group in tree.EverCreated)
        {
            MemoryCounter[] counters = [group.Memory, group.Kernel, group.Pins, group.Locked, group.Pinned];
            Assert.All(counters, counter => Assert.Equal(0, counter.RecordedBytes));
        }
    }

    private static void AssertEventsAreExact(StressTree tree, long refusals)
    {
        MemoryEvents total = tree.Controller.Root.ReadEvents();
        Assert.Equal(refusals, total.MemoryMax + total.KernelMax + total.PinsMax);
        Assert.Equal(0, total.AccountingErrors);
        Assert.Equal(Sum(events => events.MemoryMax), total.MemoryMax);
        Assert.Equal(Sum(events => events.KernelForced), total.KernelForced);
        Assert.Equal(Sum(events => events.PinsForced), total.PinsForced);
        Assert.True(refusals > 0, "The limits never acted: the test proves nothing.");
        Assert.True(total.MemoryForced > 0, "No limit was ever passed: the test proves nothing.");

        long Sum(Func<MemoryEvents, long> select) =>
            tree.EverCreated.Sum(group => select(group.ReadLocalEvents()));
    }
}
