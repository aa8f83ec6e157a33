using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks.Off;

/// <summary>What kernel accounting costs a group that has not asked for it.</summary>
internal sealed class OffBenchmark : TurnBenchmark
{
    public override string Name => "off";

    public override string Title => "Kernel accounting that nobody has asked for";

    public override string Method => """
        A loop of `NativeMemory.Alloc(64)` and `NativeMemory.Free`, without a call of Allot in it; and the same with a
        kernel charge before and an uncharge after, in a tree that counts kernel memory `OnFirstLimit`, by a group that has
        no such limit. It may get one at any time, so every call looks; `switched-off` is a program in which it may not.
        *The same again* is a second copy of the loop without calls: what it differs by is what the place
        of code in memory does. Nanoseconds of one turn of the loop, on one thread.
        """;

    public override void Measure(Workbench bench, ResultPage page)
    {
        var options = new MemoryControllerOptions { KernelAccounting = KernelAccountingMode.OnFirstLimit };
        MemoryGroup off = new MemoryController(options: options).Root.CreateChild("off");
        MemoryGroup on = new MemoryController().Root.CreateChild("on");
        Compare(bench, page, withGoal: 2,
            Loop("`Charge`, off", count => OffLoops.ByCharge<OffGroups>(off, count)),
            Loop("`TryCharge`, off", count => OffLoops.ByTryCharge<OffGroups>(off, count)),
            Loop("by handle, off", count => OffLoops.ByHandle<OffGroups>(off, count)),
            Loop("`Charge`, counted", count => OffLoops.ByCharge<CountedGroups>(on, count)),
            Loop("by handle, counted", count => OffLoops.ByHandle<CountedGroups>(on, count)));
        if (off.Memory.CurrentBytes + on.Memory.CurrentBytes != 0) throw new BenchmarkException("It does not balance.");
    }
}
