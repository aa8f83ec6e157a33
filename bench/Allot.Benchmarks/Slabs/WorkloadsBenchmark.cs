using System.Diagnostics;
using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks.Slabs;

/// <summary>The workloads that allocators are compared with, on blocks that a group pays for.</summary>
internal sealed class WorkloadsBenchmark : Benchmark
{
    private const int RoundCount = 7;

    private static readonly HeapSubject[] s_subjects =
    [
        AllotHeaps.ByAllocator, AllotHeaps.ByGroup,
        .. PeerHeaps.All.Where(static one => !one.IsManaged && !one.Name.StartsWith("talloc", StringComparison.Ordinal)),
    ];

    public override string Name => "workloads";

    public override string Title => "Workloads on blocks that are charged to a group";

    public override string Method => """
        Four workloads that allocators have been compared with for long, in our own words
        (`bench/Allot.Benchmarks/Slabs/HeapWorkloads.cs`), two threads but for the last: *larson* is a server whose threads
        end and hand their blocks on; *cache-scratch* asks whether blocks of two threads share a cache line; *xmalloc*
        frees on another thread than it allocates on; *alloc-test* replaces random blocks, most of them small. Nanoseconds
        of one allocation with its free and what the workload does with the block. Allot charges each block to a group at
        depth 3 with limits on every level, and nothing is charged at the end of any round; the others charge nobody.
        """;

    public override IReadOnlyList<string> Tools => [];

    public override IReadOnlyList<(string Name, string Package)> Libraries =>
        [(PeerHeaps.Mimalloc, "libmimalloc2.0"), (PeerHeaps.Tcmalloc, "libtcmalloc-minimal4")];

    public override bool NeedsRoot => false;

    public override bool NeedsStaticTls => true;

    public override void Measure(Workbench bench, ResultPage page)
    {
        int size = bench.Size(1000, 1);
        (string Name, int Blocks, Action<HeapWorkloads> Run)[] all =
        [
            ("larson", 20 * 50 * size, loads => loads.Larson(20, 50 * size)),
            ("cache-scratch", 100 * size, loads => loads.Scratch(100 * size, 20)),
            ("xmalloc", 64 * 10 * size, loads => loads.Xmalloc(10 * size)),
            ("alloc-test", 1000 * size, loads => loads.AllocTest(1000 * size)),
        ];
        IReadOnlyList<Series>[] series = [.. all.Select(load => bench.Compare(RoundCount,
            [.. s_subjects.Select(subject => Once(subject, load.Blocks, load.Run))]))];
        page.AddTable("Time", ["ns", .. all.Select(static load => load.Name)],
            s_subjects.Select((subject, i) => (IReadOnlyList<string>)
                [subject.Name, .. series.Select(one => Cell.Nanoseconds(one[i].Median(InProcess.Number)))]));
        int mimalloc = Array.IndexOf(s_subjects, PeerHeaps.MimallocSubject);
        page.AddTable("To mimalloc", ["ratio", .. all.Select(static load => load.Name)],
            s_subjects.Select((subject, i) => (IReadOnlyList<string>)
                [subject.Name, .. series.Select(one => $"{one[i].RatioTo(one[mimalloc], InProcess.Number)}")]));
    }

    private static Variant Once(HeapSubject subject, int blocks, Action<HeapWorkloads> run)
    {
        HeapWorkloads loads = subject.Make(3).ToWorkloads();
        return new Variant(subject.Name, () =>
        {
            long start = Stopwatch.GetTimestamp();
            run(loads);
            double nanoseconds = (Stopwatch.GetTimestamp() - start) * 1e9 / Stopwatch.Frequency / blocks;
            if (AllotHeaps.ChargedBytes != 0) throw new BenchmarkException($"{subject.Name} left something charged.");
            return Sample.Of(InProcess.Number, nanoseconds);
        });
    }
}
