using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks;

/// <summary>What one intercepted call costs, against the same supervisor written in C.</summary>
internal sealed class RoundTripBenchmark : Benchmark
{
    private const double RatioMax = 1.3;

    public override string Name => "roundtrip";

    public override string Title => "Round trip of one intercepted call";

    public override string Method => """
        The time of one system call, seen by the program that makes it, under `allot run` and under a supervisor in C
        (`bench/peer/supervisor.c`) that only receives and answers. Both are compiled ahead of time: Allot is the publish
        as one file. *lock* is mlock of one page under `--pins-max 1G`:
        Allot then reads the status of the process on every call, and so does the C supervisor. *create* is eventfd under
        `--kernel-max 1G`: the C supervisor does nothing but answer. *lock again* is mlock of a page that is locked already:
        the rare case in which Allot reads the mappings of the process, so as not to charge the page twice; the C supervisor
        knows no better than for *lock*. With 1 calling thread and with 4, which wait for each other in both supervisors.
        10,000 calls of warm-up, then 50,000 that count (of all threads together; a tenth for *lock again*); the first 100
        calls of a program are shown apart.
        """;

    public override void Measure(Workbench bench, ResultPage page)
    {
        string program = bench.Compile("Programs/notify-loop.c");
        string peer = bench.Compile("Peer/supervisor.c");
        Kind[] kinds =
        [
            new("lock", "pair", ["--intercept", "lock", "--read-status"], ["--pins-max", "1G"]),
            new("create", "eventfd", ["--intercept", "eventfd"], ["--kernel-max", "1G"]),
            new("lock again", "lock", ["--intercept", "lock", "--read-status"], ["--pins-max", "1G"]) { IsRare = true },
        ];
        List<IReadOnlyList<string>> times = [], ratios = [];
        foreach (Kind kind in kinds)
        {
            foreach (int threads in kind.IsRare ? [1] : new[] { 1, 4 })
            {
                int share = kind.IsRare ? 10 : threads;
                int calls = bench.Size(50_000, 200) / share, warmUp = bench.Size(10_000, 0) / share;
                string[] command = [program, $"{calls}", "60", kind.Call, $"{warmUp}", $"{threads}"];
                IReadOnlyList<Series> series = bench.Compare(rounds: threads > 1 || kind.IsRare ? 7 : 21,
                    new Variant("no supervisor", () => bench.Measure(command)),
                    new Variant("C", () => bench.Measure([peer, .. kind.PeerOptions, "--", .. command])),
                    new Variant("Allot", () =>
                        bench.Measure(Workbench.InGroup(bench.PublishedAllotPath, kind.AllotOptions, command))));
                times.AddRange(series.Select(one => TimesOf(kind, threads, one)));
                Series peers = series[1], allots = series[2];
                ratios.Add(RatiosOf(kind, threads, allots, peers));
                if (threads > 1 || kind.IsRare) continue;
                page.AddGoal($"{kind.Name}, median, Allot to C", allots.RatioTo(peers, "call_ns.p50"), RatioMax);
                page.AddGoal($"{kind.Name}, mean, Allot to C", allots.RatioTo(peers, "call_ns.mean"), RatioMax);
            }
        }

        page.AddTable("Ratio, Allot to C",
            ["call", "threads", "median", "mean", "99th percentile", "first 100, mean", "rounds"], ratios);
        page.AddTable("Times, in µs",
            ["call", "threads", "supervisor", "median", "mean", "99th percentile", "first 100, mean", "first 100, longest",
                "supervisor's memory, MiB"], times);
    }

    private static string[] RatiosOf(Kind kind, int threads, Series allots, Series peers) =>
    [
        kind.Name,
        $"{threads}",
        allots.RatioTo(peers, "call_ns.p50").ToString(),
        allots.RatioTo(peers, "call_ns.mean").ToString(),
        allots.RatioTo(peers, "call_ns.p99").ToString(),
        allots.RatioTo(peers, "first_ns.mean").ToString(),
        $"{allots.Rounds}",
    ];

    private static string[] TimesOf(Kind kind, int threads, Series series) =>
    [
        kind.Name,
        $"{threads}",
        series.Name,
        Cell.Microseconds(series.Median("call_ns.p50")),
        Cell.Microseconds(series.Median("call_ns.mean")),
        Cell.Microseconds(series.Median("call_ns.p99")),
        Cell.Microseconds(series.Median("first_ns.mean")),
        Cell.Microseconds(series.Median("first_ns.max")),
        series.Name == "no supervisor" ? "" : Cell.Mebibytes(series.Median("parent_peak_bytes")),
    ];

    private sealed record Kind(string Name, string Call, string[] PeerOptions, string[] AllotOptions)
    {
        /// <summary>Shown for its cost, without a goal.</summary>
        public bool IsRare { get; init; }
    }
}
