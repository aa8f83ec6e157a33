using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks;

/// <summary>What a group costs a program that makes no intercepted call.</summary>
internal sealed class IdleBenchmark : Benchmark
{
    private const string Number = "cpu_ns_per_round";

    public override string Name => "idle";

    public override string Title => "A program that makes no intercepted call";

    public override string Method => """
        The same program outside, outside once more (the noise), inside `allot run`, and under the smallest filter that
        notifies of anything (four comparisons, in C): what any seccomp filter costs, which is the kernel's way into a call
        and not Allot's. Processor time of the program per round of its work, measured by itself. Three kinds of work:
        *compute* is arithmetic; *calls* adds four cheap system calls (getppid, read, write, stat) to 0.2 µs of it, which is
        far denser than real programs; *tested* adds open and close, where the filter has to look at the flags.
        """;

    public override void Measure(Workbench bench, ResultPage page)
    {
        string program = bench.Compile("Programs/idle-calls.c");
        string peer = bench.Compile("Peer/supervisor.c");
        List<IReadOnlyList<string>> rows = [];
        foreach (string kind in new[] { "compute", "calls", "tested" })
        {
            string[] command = [program, bench.IsSmoke ? "0.02" : "0.5", kind];
            IReadOnlyList<Series> series = bench.Compare(rounds: 25,
                new Variant("outside", () => bench.Measure(command)),
                new Variant("outside again", () => bench.Measure(command)),
                new Variant("inside, --memory-max 1G", () => bench.Measure(bench.InGroup(["--memory-max", "1G"], command))),
                new Variant("inside, --kernel-max 1G --pins-max 1G", () =>
                    bench.Measure(bench.InGroup(["--kernel-max", "1G", "--pins-max", "1G"], command))),
                new Variant("smallest filter, in C", () => bench.Measure([peer, "--", .. command])));
            rows.AddRange(series.Select(one => RowOf(kind, one, series[0])));
            Judge(page, kind, series);
        }

        page.AddTable("Processor time per round of work",
            ["work", "where", "ns per round", "ratio to outside", "supervisor's memory, MiB", "rounds"], rows);
    }

    // The noise of a median of ratios is small; 2 percent is the smallest difference that repeats on a quiet machine.
    private static void Judge(ResultPage page, string kind, IReadOnlyList<Series> series)
    {
        Series outside = series[0], inside = series[3], smallest = series[4];
        page.AddGoal($"{kind}, no filter needed (--memory-max), inside to outside", series[2].RatioTo(outside, Number), 1.02);
        if (kind == "compute")
        {
            page.AddGoal($"{kind}, inside to outside", inside.RatioTo(outside, Number), 1.02);
        }
        else if (kind == "calls")
        {
            page.AddGoal($"{kind}, inside to the smallest filter", inside.RatioTo(smallest, Number), 1.02);
        }
    }

    private static string[] RowOf(string kind, Series series, Series outside) =>
    [
        kind,
        series.Name,
        Cell.Nanoseconds(series.Median(Number)),
        series.RatioTo(outside, Number).ToString(),
        series.Name.StartsWith("outside", StringComparison.Ordinal) ? "" : Cell.Mebibytes(series.Median("parent_peak_bytes")),
        $"{series.Rounds}",
    ];
}
