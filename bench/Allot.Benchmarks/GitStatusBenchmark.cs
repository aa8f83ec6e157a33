using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks;

/// <summary>What a limit on kernel memory costs a program that reads many files.</summary>
internal sealed class GitStatusBenchmark : Benchmark
{
    private const string Number = "run_ns.mean";

    public override string Name => "git-status";

    public override string Title => "git status in a repository with 5,000 files";

    public override string Method => """
        20 runs of `git status`, one after the other, outside, outside once more (the noise) and inside one `allot run`;
        each run is timed from fork to exit, inside the group, so the start of Allot is not in it. Everything is in the
        kernel's caches. *Inside* is the publish as one file; *built* is compiled while it runs, on the same processors.
        Then, for context, one whole `allot run --kernel-max 1G -- git status` with its start.
        """;

    public override IReadOnlyList<string> Tools => ["gcc", "git"];

    public override void Measure(Workbench bench, ResultPage page)
    {
        string repeat = bench.Compile("Programs/repeat.c");
        string repository = MakeRepository(bench);
        string[] status = ["git", "-C", repository, "status"];
        string[] command = [repeat, $"{bench.Size(20, 1)}", .. status];
        string[] kernelMax = ["--kernel-max", "1G"], both = ["--kernel-max", "1G", "--pins-max", "1G"];

        IReadOnlyList<Series> many = bench.Compare(rounds: 25,
            new Variant("outside", () => bench.Measure(command)),
            new Variant("outside again", () => bench.Measure(command)),
            new Variant("inside, --kernel-max 1G", () => bench.Measure(Inside(kernelMax, command))),
            new Variant("inside, --kernel-max 1G --pins-max 1G", () => bench.Measure(Inside(both, command))),
            new Variant("inside, built, --kernel-max 1G", () => bench.Measure(bench.InGroup(kernelMax, command))));
        page.AddTable("One of 20 runs",
            ["where", "mean, ms", "ratio to outside", "supervisor's memory, MiB", "rounds"],
            many.Select(one => RowOf(one, many[0], one.Name.StartsWith("inside", StringComparison.Ordinal))));
        page.AddGoal("git status, inside (--kernel-max 1G) to outside", many[2].RatioTo(many[0], Number), 1.25);

        IReadOnlyList<Series> whole = bench.Compare(rounds: 15,
            new Variant("git status", () => bench.Measure([repeat, "1", .. status])),
            new Variant("allot run --kernel-max 1G -- git status", () =>
                bench.Measure([repeat, "1", .. Inside(kernelMax, status)])));
        page.AddTable("A single whole run, with its start",
            ["command", "ms", "ratio to outside", "rounds"],
            whole.Select(one => RowOf(one, whole[0], inside: null)));

        IReadOnlyList<string> Inside(string[] options, string[] inner) =>
            Workbench.InGroup(bench.PublishedAllotPath, options, inner);
    }

    private static string[] RowOf(Series series, Series outside, bool? inside)
    {
        string time = Cell.Milliseconds(series.Median(Number)), ratio = series.RatioTo(outside, Number).ToString();
        if (inside is null) return [series.Name, time, ratio, $"{series.Rounds}"];
        string memory = inside.Value ? Cell.Mebibytes(series.Median("parent_peak_bytes")) : "";
        return [series.Name, time, ratio, memory, $"{series.Rounds}"];
    }

    private static string MakeRepository(Workbench bench)
    {
        string repository = Path.Combine(bench.ScratchPath, "repository");
        DateTime past = TimeProvider.System.GetUtcNow().UtcDateTime.AddHours(-1);
        for (int folder = 0; folder < bench.Size(100, 2); folder++)
        {
            string path = Directory.CreateDirectory(Path.Combine(repository, $"folder{folder}")).FullName;
            for (int i = 0; i < 50; i++)
            {
                string file = Path.Combine(path, $"file{i}.txt");
                File.WriteAllText(file, $"{folder} {i}\n");
                // A file that is as young as the index would be read by every git status, not only looked at.
                File.SetLastWriteTimeUtc(file, past);
            }
        }

        string[] git = ["-C", repository, "-c", "user.name=bench", "-c", "user.email=bench@localhost"];
        _ = bench.Run("git", [.. git, "init", "--quiet"]);
        _ = bench.Run("git", [.. git, "add", "--all"]);
        _ = bench.Run("git", [.. git, "commit", "--quiet", "--message", "all files"]);
        return repository;
    }
}
