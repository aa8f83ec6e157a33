using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks.Off;

/// <summary>What kernel accounting costs a program that has switched it off.</summary>
internal sealed class SwitchedOffBenchmark : TurnBenchmark
{
    public override string Name => "switched-off";

    public override string Title => "Kernel accounting that is switched off";

    public override string Method => """
        A loop of `NativeMemory.Alloc(64)` and `NativeMemory.Free`, without a call of Allot in it; and the same with a
        kernel charge before and an uncharge after, in a process whose switch `Allot.KernelAccounting` is off. *The same
        again* is a second copy of the loop without calls: what it differs by is what the place of code in memory does.
        Nanoseconds of one turn of the loop, on one thread.
        """;

    public override string SwitchedOff => "Allot.KernelAccounting";

    public override void Measure(Workbench bench, ResultPage page)
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("off");
        Compare(bench, page, withGoal: 2,
            Loop("`Charge`", count => OffLoops.ByCharge<OffGroups>(group, count)),
            Loop("`TryCharge`", count => OffLoops.ByTryCharge<OffGroups>(group, count)));
        group.Charge(MemoryKind.Kernel, 1);
        if (group.Memory.CurrentBytes != 0) throw new BenchmarkException($"The switch '{SwitchedOff}' is not off.");
    }
}
