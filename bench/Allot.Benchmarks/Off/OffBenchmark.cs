using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks.Off;

/// <summary>What kernel accounting costs a group that has not asked for it.</summary>
internal sealed class OffBenchmark : Benchmark
{
    private const int RoundCount = 301;
    private const double RatioMax = 1.02;

    public override string Name => "off";

    public override string Title => "Kernel accounting that nobody has asked for";

    public override string Method => """
        A loop of `NativeMemory.Alloc(64)` and `NativeMemory.Free`, without a call of Allot in it; and the same with a
        kernel charge before and an uncharge after, in a tree that counts kernel memory `OnFirstLimit`, by a group that has
        no such limit. It may get one at any time, so every call looks; `switched-off` is a program in which it may not.
        *The same again* is a second copy of the loop without calls: what it differs by is what the place
        of code in memory does. Nanoseconds of one turn of the loop, on one thread.
        """;

    public override string WarmUp => InProcess.Method;

    public override IReadOnlyList<string> Tools => [];

    public override bool NeedsRoot => false;

    public override void Measure(Workbench bench, ResultPage page)
    {
        var options = new MemoryControllerOptions { KernelAccounting = KernelAccountingMode.OnFirstLimit };
        MemoryGroup off = new MemoryController(options: options).Root.CreateChild("off");
        MemoryGroup on = new MemoryController().Root.CreateChild("on");
        (string Name, Work Work)[] variants =
        [
            Loop("without calls", static count => OffLoops.Bare(count)),
            Loop("the same again", static count => OffLoops.BareAgain(count)),
            Loop("`Charge`, off", count => OffLoops.ByCharge<OffGroups>(off, count)),
            Loop("`TryCharge`, off", count => OffLoops.ByTryCharge<OffGroups>(off, count)),
            Loop("by handle, off", count => OffLoops.ByHandle<OffGroups>(off, count)),
            Loop("`Charge`, counted", count => OffLoops.ByCharge<CountedGroups>(on, count)),
            Loop("by handle, counted", count => OffLoops.ByHandle<CountedGroups>(on, count)),
        ];
        IReadOnlyList<Series> series = bench.InProcess.Compare(RoundCount, [.. variants.Select(static one => one.Work)]);
        if (off.Memory.CurrentBytes + on.Memory.CurrentBytes != 0) throw new BenchmarkException("It does not balance.");

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
