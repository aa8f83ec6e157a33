using System.Diagnostics;
using Allot.Testing;

namespace Allot.Stress.Mix;

/// <summary>Everything at once: eight threads and a thousand groups with charges of every sort, limits, high limits,
/// protection, reclaim, waiting, transfers, removals and kills. I1 is watched where limits only rise; at the end
/// nothing is charged, held in advance or waited for, and the tree can be removed.</summary>
/// <remarks>ALLOT_STRESS_SECONDS=60 makes it go on for a minute; a failure prints what replays it.</remarks>
[Collection(ScaleTests.Alone)]
public sealed class MixStressTests(ITestOutputHelper output)
{
    private const int Groups = 1_000;
    private const int Threads = 8;
    private const int StepsForOneChange = 16;

    public static TheoryData<ulong> Seeds => [.. Load.SeedsOfTimed];

    [Theory, MemberData(nameof(Seeds))]
    public void Everything_there_is_at_once_ends_at_zero(ulong seed)
    {
        int seconds = Load.Seconds;
        string replay = $"ALLOT_STRESS_SEED={seed}" + (seconds > 0 ? $" ALLOT_STRESS_SECONDS={seconds}" : "");
        output.WriteLine(replay);
        try
        {
            Run(seed, seconds);
        }
        catch (Exception exception)
        {
            throw new InvalidOperationException($"Replay with {replay}: {exception.Message}", exception);
        }
    }

    private void Run(ulong seed, int seconds)
    {
        var tree = new MixTree(new Prng(seed), Groups);
        var shared = new MemoryCharge?[64];
        MixWorker[] workers =
            [.. Enumerable.Range(1, Threads).Select(i => new MixWorker(tree, (seed * 1000) + (ulong)i, shared))];
        var meddler = new MixMeddler(tree, seed * 1000);
        int operations = Load.Operations(3_000), looks = 0;
        var watch = Stopwatch.StartNew();

        Crew.Run(
            [
                .. workers.Select(worker => (Action)(() => worker.Work(i => GoesOn(i)))),
                () => meddler.Work(KeepsPace),
            ],
            watch: () =>
            {
                WatchLimits(tree);
                looks++;
            });

        MixTally all = Sum(workers, meddler);
        Report(tree, all, watch.Elapsed, looks);
        foreach (MemoryCharge? handle in shared) handle?.Dispose();
        tree.DisposeCaches();
        AssertZero(tree);
        AssertEverythingHappened(all, tree.Root.ReadEvents());

        bool GoesOn(int done) => seconds == 0 ? done < operations : watch.Elapsed.TotalSeconds < seconds;

        // One step in the time of so many of the workers: it must not change everything under their feet.
        bool KeepsPace(int done)
        {
            SpinWait spin = default;
            while (workers.Sum(worker => (long)worker.Steps) < (done + 1L) * StepsForOneChange)
            {
                if (workers.All(worker => worker.IsDone)) return false;
                spin.SpinOnce();
            }

            return true;
        }
    }

    // Use is read first: the limit only grows, so the one that is read later is at least as high.
    private static void WatchLimits(MixTree tree)
    {
        foreach (MemoryGroup group in tree.Calm)
        {
            foreach (MemoryCounter counter in (ReadOnlySpan<MemoryCounter>)[group.Memory, group.Kernel, group.Pins])
            {
                Assert.InRange(counter.CurrentBytes, 0, counter.MaxBytes);
                Assert.InRange(counter.PeakBytes, 0, counter.MaxBytes);
                long used = counter.ReadUsed(out long max);
                Assert.InRange(used, 0, max);
            }
        }

        Assert.InRange(tree.Root.Memory.ReservedBytes, 0, tree.Controller.Reserves.MaxBytes);
        Assert.InRange(tree.Root.Memory.CurrentBytes, 0, long.MaxValue);
    }

    private static MixTally Sum(MixWorker[] workers, MixMeddler meddler)
    {
        var all = new MixTally();
        foreach (MixWorker worker in workers) all.Add(worker.Tally);
        all.Add(meddler.Tally);
        return all;
    }

    private void Report(MixTree tree, MixTally all, TimeSpan elapsed, int looks)
    {
        output.WriteLine($"{all.Total} operations of {Threads} threads and the one that changes the tree, in "
            + $"{elapsed.TotalSeconds:F1} s; {looks} looks at the calm half; {tree.All().Count()} groups at the end");
        output.WriteLine(all.ToString());
        output.WriteLine(tree.Root.ReadEvents().ToString());
    }

    private static void AssertZero(MixTree tree)
    {
        Assert.Empty(TreeWalk.FindViolations(tree.Controller));
        tree.Controller.Reserves.TakeBack(tree.Root.Memory);
        Assert.Equal(0, tree.Controller.Reserves.BoundSlots);
        Assert.Empty(TreeWalk.FindViolations(tree.Controller));
        Assert.Empty(tree.All().SelectMany(FindLeftovers));

        MemoryEvents events = tree.Root.ReadEvents();
        Assert.Equal((0, 0), (events.AccountingErrors, events.ReclaimErrors));
        tree.RemoveAll();
        Assert.Single(tree.All());
        Assert.Equal((0, 0), (tree.Root.Memory.RecordedBytes, tree.Root.Pins.RecordedBytes));
    }

    private static IEnumerable<string> FindLeftovers(MemoryGroup group)
    {
        MemoryCounter[] counters = [group.Memory, group.Kernel, group.Pins, group.Locked, group.Pinned];
        return counters
            .Where(counter => counter.RecordedBytes != 0 || counter.HasLine)
            .Select(counter => $"{group}: {counter.RecordedBytes} bytes{(counter.HasLine ? ", and a line" : "")}");
    }

    // Otherwise the test proves nothing.
    private static void AssertEverythingHappened(MixTally all, MemoryEvents events)
    {
        string[] parts =
        [
            "charged", "charged, reclaiming", "charged by a handle of a thread", "forced", "pinned", "transfers",
            "handles grown", "handles resized", "waits that were served", "waits that were cancelled",
            "entries cached", "groups replaced", "groups removed", "caches replaced", "kills by hand",
            "limits raised", "limits set", "high limits set", "protections set", "refused: LimitReached",
        ];
        Assert.All(parts, part => Assert.True(all[part] > 0, $"Never happened: {part}."));
        Assert.True(events.MemoryMax > 0, "No limit of memory ever acted.");
        Assert.True(events.KernelMax > 0, "No limit of kernel memory ever acted.");
        Assert.True(events.PinsMax > 0, "No limit of pins ever acted.");
        Assert.True(events.MemoryForced > 0, "No limit was ever passed.");
        Assert.True(events.High > 0, "No high limit ever acted.");
        Assert.True(events.OomKill > 0, "The policy never killed.");
    }
}
