using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks.Off;

/// <summary>What kernel accounting costs a program that has switched it off.</summary>
internal sealed class SwitchedOffBenchmark : Benchmark
{
    private const int RoundCount = 301;
    private const double RatioMax = 1.02;

    public override string Name => "switched-off";

    public override string Title => "Kernel accounting that is switched off";

    public override string Method => """
        A loop of `NativeMemory.Alloc(64)` and `NativeMemory.Free`, without a call of Allot in it; and the same with a
        kernel charge before and an uncharge after, in a process whose switch `Allot.KernelAccounting` is off. *The same
        again* is a second copy of the loop without calls: what it differs by is what the place of code in memory does.
        Nanoseconds of one turn of the loop, on one thread.
        """;

    public override string WarmUp => InProcess.Method;

    public override IReadOnlyList<string> Tools => [];

    public override bool NeedsRoot => false;

    public override string SwitchedOff => "Allot.KernelAccounting";

    public override void Measure(Workbench bench, ResultPage page)
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("off");
        (string Name, Work Work)[] variants =
        [
            Loop("without calls", static count => OffLoops.Bare(count)),
            Loop("the same again", static count => OffLoops.BareAgain(count)),
            Loop("`Charge`", count => OffLoops.ByCharge<OffGroups>(group, count)),
            Loop("`TryCharge`", count => OffLoops.ByTryCharge<OffGroups>(group, count)),
        ];
        IReadOnlyList<Series> series = bench.InProcess.Compare(RoundCount, [.. variants.Select(static one => one.Work)]);
        group.Charge(MemoryKind.Kernel, 1);
        if (group.Memory.CurrentBytes != 0) throw new BenchmarkException($"The switch '{SwitchedOff}' is not off.");

        page.AddTable("One turn",
            ["ns", "a turn", "to the loop without calls"],
            series.Zip(variants, (one, variant) => (string[])
            [
                variant.Name, Cell.FewNanoseconds(one.Median(InProcess.Number)),
                one == series[0] ? "1" : $"{one.RatioTo(series[0], InProcess.Number)}",
            ]));
        foreach (int called in (int[])[2, 3])
        {
            page.AddGoal($"{variants[called].Name}, to the loop without calls",
                series[called].RatioTo(series[0], InProcess.Number), RatioMax);
        }
    }

    private static (string Name, Work Work) Loop(string name, Action<int> run) =>
        (name, new Work(name, 1, (_, count) => run(count)));
}
