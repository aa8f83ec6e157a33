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
        command itself, and the launcher that becomes the program; `allot --version` starts one, and does nothing else. Then
        the built command, which is compiled while it runs, against a publish as one self-contained file.
        """;

    public override IReadOnlyList<string> Tools => ["gcc", "dotnet"];

    public override void Measure(Workbench bench, ResultPage page)
    {
        IReadOnlyList<Series> limits = bench.Compare(rounds: 11,
            OfCommand("true", ["true"]),
            OfCommand("allot --version", [bench.AllotPath, "--version"]),
            InGroup(),
            InGroup("--memory-max", "1G"),
            InGroup("--pins-max", "1G"),
            InGroup("--kernel-max", "1G"),
            InGroup("--kernel-max", "1G", "--pins-max", "1G"));
        page.AddTable("By limit: median of 10 runs",
            ["command", "ms", "ratio to `true`", "rounds"], limits.Select(one => RowOf(one, limits[0])));
        if (bench.IsSmoke) return;   // a publish downloads a runtime

        string justInTime = bench.Publish("published-jit", "-p:PublishReadyToRun=false");
        IReadOnlyList<Series> builds = bench.Compare(rounds: 11,
            OfBuild("built", bench.AllotPath),
            OfBuild("published as one file", bench.PublishedAllotPath),
            OfBuild("published as one file, not compiled ahead of time", justInTime));
        page.AddTable("By build: median of 10 runs of `allot run --kernel-max 1G --pins-max 1G -- true`",
            ["command", "ms", "ratio to built", "rounds"], builds.Select(one => RowOf(one, builds[0])));

        Variant OfCommand(string name, IReadOnlyList<string> command) =>
            new(name, () => bench.Measure([bench.Compile("Programs/repeat.c"), $"{bench.Size(10, 1)}", .. command]));
        Variant InGroup(params string[] options) =>
            OfCommand(string.Join(' ', ["allot run", .. options, "-- true"]), bench.InGroup(options, ["true"]));
        Variant OfBuild(string name, string allot) =>
            OfCommand(name, Workbench.InGroup(allot, ["--kernel-max", "1G", "--pins-max", "1G"], ["true"]));
    }

    private static string[] RowOf(Series series, Series baseline) =>
    [
        series.Name,
        Cell.Milliseconds(series.Median(Number)),
        series.RatioTo(baseline, Number).ToString(),
        $"{series.Rounds}",
    ];
}
