// Measures operations of a few nanoseconds, which needs other means than whole processes do.
//
// - A *chunk* is one measurement: as many operations as take a quarter of a millisecond, unless more is asked for. A
//   slice of the scheduler that falls into one spoils only that one, and the median does not see it. Every chunk comes
//   after an untimed piece of the same work, which brings back into the caches what others have pushed out.
// - Warm-up goes on, with pauses in which the runtime compiles, until a whole phase of it has compiled nothing.
// - Chunks take turns, round after round: see Rounds.
// - What is measured must not allocate, unless it says so. Every chunk is checked.

using System.Diagnostics;
using System.Runtime;

namespace Allot.Benchmarks.Runner;

/// <summary>Compares pieces of work inside this process.</summary>
internal sealed class InProcess(PinnedThreads threads, bool isSmoke)
{
    /// <summary>The number in each sample: nanoseconds of one operation, on each of the threads that do it.</summary>
    public const string Number = "operation_ns";

    /// <summary>What the warm-up text of a page says about it.</summary>
    public const string Method = """
        Warm-up goes on until nothing is compiled any more, and is not counted. A measurement is a chunk of 0.25 ms, on
        threads that are pinned to a processor each, and is checked to allocate nothing.
        """;

    private const int FewestPhases = 4, MostPhases = 15;

    /// <summary>Measures each in turns, after a warm-up.</summary>
    /// <returns>A series for each, in the same order.</returns>
    /// <exception cref="BenchmarkException">One failed, or allocates.</exception>
    public IReadOnlyList<Series> Compare(int rounds, IReadOnlyList<Work> works)
    {
        if (isSmoke) return Rounds.Run(1, warmUps: 1, [.. works.Select(OneGranule)]);
        WarmUp(works);
        return Rounds.Run(rounds, warmUps: 1, [.. works.Select(OneChunk)]);
    }

    /// <summary>Does pieces of work until the runtime has compiled everything in them for good.</summary>
    public void WarmUp(IReadOnlyList<Work> works)
    {
        if (isSmoke) return;
        long compiled = -1;
        for (int phase = 0; phase < MostPhases; phase++)
        {
            // Often enough for each method to be worth optimizing, and too short for a loop to be replaced as it runs.
            foreach (Work work in works)
            {
                threads.Run(work.Threads, thread =>
                {
                    for (int i = 0; i < 40; i++) work.Run(thread, Multiple(64, work.Granule));
                });
                _ = Measure(work, Multiple(64, work.Granule));
            }

            // The runtime compiles in the background, 0.1 s after the last method was new.
            Thread.Sleep(TimeSpan.FromSeconds(0.2));
            long now = JitInfo.GetCompiledMethodCount();
            if (now == compiled && phase >= FewestPhases) return;
            compiled = now;
        }
    }

    private Variant OneGranule(Work work) => new(work.Name, () => Measure(work, Multiple(64, work.Granule)));

    private Variant OneChunk(Work work)
    {
        int operations = OperationsPerChunk(work);
        return new Variant(work.Name, () => Measure(work, operations));
    }

    private int OperationsPerChunk(Work work)
    {
        int operations = Multiple(64, work.Granule);
        double nanoseconds = Measure(work, operations)[Number];
        for (int i = 0; i < 3; i++)   // the longer, the truer
        {
            double wanted = Math.Clamp(work.ChunkNanoseconds / Math.Max(nanoseconds, 0.1), 1, 2_500_000);
            operations = Multiple((int)wanted, work.Granule);
            nanoseconds = Measure(work, operations)[Number];
        }

        return operations;
    }

    private Sample Measure(Work work, int operations)
    {
        const int Attempts = 3;
        for (int attempt = 1; ; attempt++)
        {
            (long ticks, long allocated) = MeasureOnce(work, operations);
            bool mayAllocate = work.MayAllocate || isSmoke;   // without a warm-up, something is always new
            if (allocated == 0 || mayAllocate) return Sample.Of(Number, ticks * 1e9 / Stopwatch.Frequency / operations);

            // The runtime itself may have: it binds a call of a library when code that was compiled anew comes to it.
            if (attempt < Attempts) continue;
            throw new BenchmarkException($"'{work.Name}' allocates: {allocated} bytes in {operations} operations.");
        }
    }

    private (long Ticks, long Allocated) MeasureOnce(Work work, int operations)
    {
        long longest = 0, allocated = 0;
        for (int turn = 0; turn < (work.IsInTurn ? work.Threads : 1); turn++)
        {
            bool isDone = false;
            threads.Run(work.Threads, thread =>
            {
                bool isIdle = work.IsInTurn && thread != turn;
                if (!isIdle) work.Run(thread, Multiple(operations / 8, work.Granule));
                threads.Meet(work.Threads);
                if (isIdle)
                {
                    while (!Volatile.Read(ref isDone)) _ = Registers.Run(64);
                    return;
                }

                long allocatedBefore = GC.GetAllocatedBytesForCurrentThread();
                long start = Stopwatch.GetTimestamp();
                work.Run(thread, operations);
                long ticks = Stopwatch.GetTimestamp() - start;
                Volatile.Write(ref isDone, true);
                Interlocked.Add(ref allocated, GC.GetAllocatedBytesForCurrentThread() - allocatedBefore);
                InterlockedMax(ref longest, ticks);
            });
        }

        return (longest, allocated);
    }

    private static void InterlockedMax(ref long most, long value)
    {
        for (long seen = Volatile.Read(ref most); value > seen;)
        {
            long before = Interlocked.CompareExchange(ref most, value, seen);
            if (before == seen) return;
            seen = before;
        }
    }

    private static int Multiple(int count, int granule) => Math.Max(1, count / granule) * granule;
}
