using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks;

/// <summary>What starting a command in a group costs.</summary>
internal sealed class StartupBenchmark : Benchmark
{
    private const string Number = "run_ns.p50";

    public override string Name => "startup";

    public override string Title => "Starting a command in a group";

    public override string Method => """
        `true` by itself and in a group, from fork to exit. `allot run` starts two .NET processes, one after the other: the
        command itself, and the launcher that becomes the program.
        """;

    public override void Measure(Workbench bench, ResultPage page)
    {
        string repeat = bench.Compile("Programs/repeat.c");
        Variant OfCommand(string name, IReadOnlyList<string> command) =>
            new(name, () => bench.Measure([repeat, $"{bench.Size(10, 1)}", .. command]));
        Variant InGroup(params string[] options) =>
            OfCommand(string.Join(' ', ["allot run", .. options, "-- true"]), bench.InGroup(options, ["true"]));

        IReadOnlyList<Series> series = bench.Compare(rounds: 11,
            OfCommand("true", ["true"]),
            InGroup(),
            InGroup("--memory-max", "1G"),
            InGroup("--pins-max", "1G"),
            InGroup("--kernel-max", "1G"),
            InGroup("--kernel-max", "1G", "--pins-max", "1G"));
        page.AddTable("Median of 10 runs",
            ["command", "ms", "ratio to `true`", "rounds"],
            series.Select(one => (string[])
                [$"`{one.Name}`", Cell.Milliseconds(one.Median(Number)), one.RatioTo(series[0], Number).ToString(), $"{one.Rounds}"]));
    }
}
