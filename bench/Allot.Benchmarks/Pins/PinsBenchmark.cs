using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks.Pins;

/// <summary>What it costs that a group pays for what is locked and pinned.</summary>
internal sealed class PinsBenchmark : Benchmark
{
    private const int RoundCount = 41, BufferBytes = 4096;

    private static readonly int[] s_lockBytes = [4096, 65536];

    public override string Name => "pins";

    public override string Title => "Memory that is locked and pinned";

    public override string Method => """
        Nanoseconds of a lock and its unlock, and of a buffer that is had and given back. *Bare* are `mlock` and
        `munlock` of pages that are there, *charged* the same by a `MemoryLocker` of a group at depth 3 (the root is 1),
        every level of which has a limit that is never reached. Each thread has pages and a tree of its own; the kernel
        locks one address space at a time. *Account alone* is `TryPin` and `Unpin` of a `PinAccount` that locks nothing. The *pool* is a `PinnedBufferPool` of such a group; *pinned heap* is
        `GC.AllocateUninitializedArray(pinned: true)`, which leaves the rest to the collector; *handle* is
        `GCHandle.Alloc` and `Free` of an array that is there already.
        """;

    public override string WarmUp => InProcess.Method.Replace(", and is checked to allocate nothing", "", StringComparison.Ordinal);

    public override IReadOnlyList<string> Tools => [];

    public override bool NeedsRoot => false;

    public override void Measure(Workbench bench, ResultPage page)
    {
        int[] threads = [.. Enumerable.Range(1, bench.Threads.Count)];
        PinCase[] locks =
            [.. s_lockBytes.SelectMany(bytes => (PinCase[])[Bare(bytes), Charged(bytes)]), Account];
        PinCase[] buffers = [Pool, SharedPool, PinnedHeap, Handle];
        PinCase[] cases = [.. from one in locks.Concat(buffers) from count in threads select one with { Threads = count }];
        IReadOnlyList<Series> measured = bench.InProcess.Compare(RoundCount, [.. cases.Select(one => one.ToWork())]);
        var series = cases.Zip(measured).ToDictionary(pair => pair.First.ToString(), pair => pair.Second);

        AddTable(page, "Locks", locks, threads, series);
        AddTable(page, "Buffers of 4 KiB", buffers, threads, series);
        foreach (int count in threads)
        {
            foreach (int bytes in s_lockBytes) AddGoal(Charged(bytes), Bare(bytes), count, 1.1);
            AddGoal(Pool, PinnedHeap, count, 1.2);
            AddGoal(Pool, Handle, count, 1.2);
        }

        void AddGoal(PinCase one, PinCase baseline, int count, double limit) => page.AddGoal(
            $"{one.Name} to {baseline.Name}, {count} {(count == 1 ? "thread" : "threads")}",
            series[(one with { Threads = count }).ToString()]
                .RatioTo(series[(baseline with { Threads = count }).ToString()], InProcess.Number),
            limit);
    }

    private static PinCase Account { get; } = new("account alone", static () => LockLoops.Account(BufferBytes));

    private static PinCase Pool { get; } = new("pool", static () => BufferLoops.Pool(BufferBytes));

    private static PinCase SharedPool { get; } = new("pool of all threads", BufferLoops.SharedPool(BufferBytes));

    private static PinCase PinnedHeap { get; } = new("pinned heap", static () => BufferLoops.PinnedHeap(BufferBytes));

    private static PinCase Handle { get; } = new("handle", static () => BufferLoops.Handle(BufferBytes));

    private static PinCase Bare(int bytes) => new($"bare {bytes >> 10} KiB", () => LockLoops.Bare(bytes));

    private static PinCase Charged(int bytes) => new($"charged {bytes >> 10} KiB", () => LockLoops.Charged(bytes));

    private static void AddTable(
        ResultPage page, string heading, PinCase[] cases, int[] threads, Dictionary<string, Series> series) =>
        page.AddTable(heading,
            ["ns", .. threads.Select(static count => count == 1 ? "one thread" : $"{count} threads")],
            cases.Select(one => (IReadOnlyList<string>)
            [
                one.Name,
                .. threads.Select(count => Cell.Nanoseconds(
                    series[(one with { Threads = count }).ToString()].Median(InProcess.Number))),
            ]));
}
