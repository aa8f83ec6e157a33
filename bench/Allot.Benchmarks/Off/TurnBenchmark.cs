using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks.Off;

/// <summary>One turn of a loop with calls of Allot, next to one turn of the same loop without.</summary>
internal abstract class TurnBenchmark : Benchmark
{
    private const int RoundCount = 301;
    private const double RatioMax = 1.02;

    public override string WarmUp => InProcess.Method;

    public override IReadOnlyList<string> Tools => [];

    public override bool NeedsRoot => false;

    /// <summary>Measures the loop without calls, a second copy of it, and these; the page gets a row for each and a goal
    /// for the first <paramref name="withGoal"/> of these.</summary>
    protected static void Compare(Workbench bench, ResultPage page, int withGoal, params Work[] loops)
    {
        Work[] all =
        [
            Loop("without calls", static count => OffLoops.Bare(count)),
            Loop("the same again", static count => OffLoops.BareAgain(count)),
            .. loops,
        ];
        IReadOnlyList<Series> series = bench.InProcess.Compare(RoundCount, all);
        Series bare = series[0];
        page.AddTable("One turn",
            ["ns", "a turn", "to the loop without calls"],
            series.Select(one => (string[])
            [
                one.Name, Cell.FewNanoseconds(one.Median(InProcess.Number)),
                one == bare ? "1" : $"{one.RatioTo(bare, InProcess.Number)}",
            ]));
        foreach (Series one in series.Skip(all.Length - loops.Length).Take(withGoal))
        {
            page.AddGoal($"{one.Name}, to the loop without calls", one.RatioTo(bare, InProcess.Number), RatioMax);
        }
    }

    protected static Work Loop(string name, Action<int> run) => new(name, 1, (_, count) => run(count));
}
