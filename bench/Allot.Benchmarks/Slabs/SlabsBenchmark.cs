using System.Diagnostics;
using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks.Slabs;

/// <summary>What blocks cost that a group pays for, next to allocators that charge nobody.</summary>
internal sealed class SlabsBenchmark : Benchmark
{
    private const int RoundCount = 41, RandomRounds = 15, LiveBlocks = 100_000, Replacements = 200_000;
    // Sizes of classes of their own: their units have more than one owner, and that costs something.
    private const int DepthBytes = 96, TurnBytes = 112, UnchargedBytes = 80;

    private const int MixLength = 1024, MixSmallestLog2 = 4, MixLargestLog2 = 16;

    private static readonly int[] s_sizes = [16, 64, 256, 1024, 4096, 65536];
    private static readonly HeapSubject[] s_subjects =
    [
        AllotHeaps.ByAllocator, AllotHeaps.ByGroup, AllotHeaps.Ambient, AllotHeaps.ByAllocatorApart, AllotHeaps.ByGroupApart,
        AllotHeaps.AmbientApart,
        .. PeerHeaps.All,
    ];

    public override string Name => "slabs";

    public override string Title => "Blocks that are charged to a group";

    public override string Method => $"""
        Nanoseconds of an allocation and its free. Allot charges each block to a group at depth 3 (the root is 1), every
        level of which has a limit that is never reached; *by handle* is `group.Allocator()`, *by group*
        `GroupMemory.Allocate(group, bytes)`, *in a scope* `GroupMemory.Allocate(bytes)`, all in a loop that finds what
        belongs to its thread once; goals to mimalloc are for that. What is called by handle is compiled into the loop;
        *apart* is the same from methods that are not inlined: one more call each, and but for a handle what belongs to
        the thread is found for each, which is what a program pays that does not allocate in a loop, with one call too
        many. The others charge nobody; the C libraries are called with `SuppressGCTransition`. jemalloc (Debian:
        libjemalloc2) takes part where it is there. *Batch* allocates 256 blocks (16 of 64 KiB) and frees them in the same
        order. *Random* frees a random one of 100,000 live blocks and allocates another; the live set exists only while its
        turn lasts. *Two groups in turn* have blocks of 112 bytes in the same units, *charged to nobody* is for blocks of
        80. *Mix* draws sizes from 16 bytes to 64 KiB, all doublings alike. *Pass* is one thread that allocates and another
        that frees, through a ring of 4096.

        {TwoThreads.Method}

        {AccountingCost.Method}
        """;

    public override string WarmUp => InProcess.Method;

    public override IReadOnlyList<string> Tools => [];

    public override IReadOnlyList<(string Name, string Package)> Libraries =>
    [
        (PeerHeaps.Mimalloc, "libmimalloc2.0"), (PeerHeaps.Tcmalloc, "libtcmalloc-minimal4"),
    ];

    public override bool NeedsRoot => false;

    public override bool NeedsStaticTls => true;

    public override void Measure(Workbench bench, ResultPage page)
    {
        TwoThreads? two = TwoThreads.Measure(bench, s_subjects, RoundCount);
        Dictionary<SlabCase, Series> results = MeasureCases(bench, [.. AllCases()]);
        AddSizes(page, "Pair", SlabKind.Pair, results);
        AddSizes(page, "Batch", SlabKind.Batch, results);
        two?.AddTo(page, results);
        AddOthers(page, results);
        page.AddTable("Pair of 64 bytes, other ways", ["ns", "pair", "to by handle"],
            from one in (SlabCase[])
                [new(AllotHeaps.Uncharged) { Bytes = UnchargedBytes }, new(AllotHeaps.ByCache), new(AllotHeaps.InTurn) { Bytes = TurnBytes }]
            select (IReadOnlyList<string>)[one.Subject.Name, Time(results, one),
                $"{Ratio(results, one, new SlabCase(AllotHeaps.ByAllocator))}"]);
        AccountingCost.AddTo(page, bench);
        IReadOnlyList<(string What, IReadOnlyList<Series> Series)> random = MeasureRandom(bench);
        page.AddTable("Random replacement, 100,000 live",
            ["ns", .. random.Select(static one => one.What)],
            s_subjects.Select((subject, i) => (IReadOnlyList<string>)
                [subject.Name, .. random.Select(one => Cell.Nanoseconds(one.Series[i].Median(InProcess.Number)))]));
        AddGoals(page, results, random);
        two?.AddGoals(page);
    }

    private static IEnumerable<SlabCase> AllCases()
    {
        foreach (HeapSubject subject in s_subjects)
        {
            var one = new SlabCase(subject);
            foreach (int bytes in s_sizes)
            {
                yield return one with { Bytes = bytes };
                yield return one with { Bytes = bytes, Kind = SlabKind.Batch };
            }

            foreach (SlabCase mixed in TwoThreads.Mixed(subject)) yield return mixed;

            // Contexts of talloc belong to one thread: two of them have two, but blocks are not passed.
            if (!subject.Name.StartsWith("talloc", StringComparison.Ordinal))
            {
                yield return one with { Threads = 2, Kind = SlabKind.Pass };
                yield return one with { Threads = 2, Kind = SlabKind.Pass, Bytes = 1024 };
            }

            if (subject != AllotHeaps.ByAllocator && subject != AllotHeaps.ByGroup) continue;
            yield return one with { Depth = 1, Bytes = DepthBytes };
            yield return one with { Depth = 5, Bytes = DepthBytes };
        }

        yield return new SlabCase(AllotHeaps.ByCache);
        yield return new SlabCase(AllotHeaps.Uncharged) { Bytes = UnchargedBytes };
        yield return new SlabCase(AllotHeaps.InTurn) { Bytes = TurnBytes };
    }

    private static Dictionary<SlabCase, Series> MeasureCases(Workbench bench, IReadOnlyList<SlabCase> cases)
    {
        SlabCase[] possible = [.. cases.Where(one => one.Threads <= bench.Threads.Count)];
        return possible.Zip(bench.InProcess.Compare(RoundCount, [.. possible.Select(one => one.ToWork())]))
            .ToDictionary(static one => one.First, static one => one.Second);
    }

    private static List<(string What, IReadOnlyList<Series> Series)> MeasureRandom(Workbench bench)
    {
        List<(string, IReadOnlyList<Series>)> measured = [];
        foreach (int bytes in (int[])[64, 256, 1024, 0])
        {
            int[] sizes = bytes == 0 ? Mix() : [bytes];
            Variant[] variants = [.. s_subjects.Select(subject => RandomOf(bench, subject, sizes))];
            measured.Add((bytes == 0 ? "mix" : $"{bytes}", bench.Compare(RandomRounds, variants)));
        }

        return measured;
    }

    private static Variant RandomOf(Workbench bench, HeapSubject subject, int[] sizes)
    {
        HeapLoop loop = subject.Make(3);
        int blocks = bench.Size(LiveBlocks, 1000), count = bench.Size(Replacements, 1000);
        return new Variant(subject.Name, () =>
        {
            double nanoseconds = 0;
            bench.Threads.Run(1, _ =>
            {
                loop.Fill(blocks, sizes);
                loop.Replace(count, sizes);   // warms up, and mixes the order
                long start = Stopwatch.GetTimestamp();
                loop.Replace(count, sizes);
                nanoseconds = (Stopwatch.GetTimestamp() - start) * 1e9 / Stopwatch.Frequency / count;
                loop.Empty();
            });
            return Sample.Of(InProcess.Number, nanoseconds);
        });
    }

    /// <summary>Sizes from 16 bytes to 64 KiB, all doublings alike.</summary>
    public static int[] Mix()
    {
        ulong random = 1;
        return [.. Enumerable.Range(0, MixLength).Select(_ =>
        {
            random = (random * 6364136223846793005) + 1442695040888963407;
            int log2 = MixSmallestLog2 + (int)((random >> 40) % (MixLargestLog2 - MixSmallestLog2));
            return (1 << log2) + (int)((random >> 20) % (ulong)(1 << log2));
        })];
    }

    private static void AddSizes(ResultPage page, string heading, SlabKind kind, Dictionary<SlabCase, Series> results) =>
        page.AddTable(heading,
            ["ns", .. s_sizes.Select(static bytes => $"{bytes}"), "64 to mimalloc"],
            from subject in s_subjects
            let one = new SlabCase(subject) { Kind = kind }
            where results.ContainsKey(one)
            select (IReadOnlyList<string>)
            [
                subject.Name,
                .. s_sizes.Select(bytes => Time(results, one with { Bytes = bytes })),
                $"{Ratio(results, one, one with { Subject = PeerHeaps.MimallocSubject })}",
            ]);

    private static void AddOthers(ResultPage page, Dictionary<SlabCase, Series> results) =>
        page.AddTable("From thread to thread, and depth",
            ["ns", "pass of 64", "pass of 1024", "pair of 96, depth 1", "depth 5"],
            from subject in s_subjects
            let one = new SlabCase(subject)
            let pass = one with { Threads = 2, Kind = SlabKind.Pass }
            select (IReadOnlyList<string>)
            [
                subject.Name, Time(results, pass), Time(results, pass with { Bytes = 1024 }),
                Time(results, one with { Depth = 1, Bytes = DepthBytes }), Time(results, one with { Depth = 5, Bytes = DepthBytes }),
            ]);

    private static void AddGoals(
        ResultPage page, Dictionary<SlabCase, Series> results,
        IReadOnlyList<(string What, IReadOnlyList<Series> Series)> random)
    {
        var handle = new SlabCase(AllotHeaps.ByAllocator);
        var group = new SlabCase(AllotHeaps.ByGroup);
        ToMimalloc("pair of 64 bytes", handle, 0.85);
        ToMimalloc("pair of 64 bytes", group, 1.3);
        ToMimalloc("pair of 64 bytes", new SlabCase(AllotHeaps.Ambient), 1.3);
        ToMimalloc("batch of 64 bytes", handle with { Kind = SlabKind.Batch }, 1.4);
        foreach (int bytes in (int[])[1024, 4096])
        {
            ToMimalloc($"pair of {bytes} bytes", handle with { Bytes = bytes }, 0.75);
            ToMimalloc($"batch of {bytes} bytes", handle with { Bytes = bytes, Kind = SlabKind.Batch }, 0.75);
        }

        ToMimalloc("pass of 64 bytes", group with { Kind = SlabKind.Pass, Threads = 2 }, 0.6);
        ToOwn("pair of 96 bytes, depth 5 to depth 1", handle with { Depth = 5, Bytes = DepthBytes },
            handle with { Depth = 1, Bytes = DepthBytes }, 1.05);
        int mimalloc = Array.IndexOf(s_subjects, PeerHeaps.MimallocSubject);
        foreach ((string what, IReadOnlyList<Series> series) in random)
        {
            bool isMix = what == "mix";
            if (what is not ("256" or "1024" or "mix")) continue;
            AddRandom(AllotHeaps.ByAllocator, isMix ? 1.15 : 0.6);
            if (!isMix) continue;
            AddRandom(AllotHeaps.ByGroup, 1.35);
            AddRandom(AllotHeaps.Ambient, 1.35);

            void AddRandom(HeapSubject subject, double limit) =>
                page.AddGoal($"{subject.Name}: random {what} to mimalloc",
                    series[Array.IndexOf(s_subjects, subject)].RatioTo(series[mimalloc], InProcess.Number), limit);
        }

        void ToMimalloc(string what, SlabCase one, double limit) =>
            ToOwn($"{what} to mimalloc", one, one with { Subject = PeerHeaps.MimallocSubject }, limit);

        void ToOwn(string what, SlabCase one, SlabCase baseline, double limit)
        {
            if (Ratio(results, one, baseline) is { } ratio) page.AddGoal($"{one.Subject.Name}: {what}", ratio, limit);
        }
    }

    private static string Time(Dictionary<SlabCase, Series> results, SlabCase one) =>
        results.TryGetValue(one, out Series? series) ? Cell.FewNanoseconds(series.Median(InProcess.Number)) : "";

    private static Quartiles? Ratio(Dictionary<SlabCase, Series> results, SlabCase one, SlabCase baseline) =>
        results.TryGetValue(one, out Series? own) && results.TryGetValue(baseline, out Series? other)
            ? own.RatioTo(other, InProcess.Number)
            : null;
}
