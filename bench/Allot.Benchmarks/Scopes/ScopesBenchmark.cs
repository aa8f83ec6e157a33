using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks.Scopes;

/// <summary>What it costs to know the context, to enter and leave scopes, and to await inside of one.</summary>
internal sealed class ScopesBenchmark : Benchmark
{
    private const int RoundCount = 301, FlowRoundCount = 101;

    public override string Name => "scopes";

    public override string Title => "The context of allocation";

    public override string Method => """
        Each operation is one call of a method that is not inlined, so that nothing is moved out of the loop; *an empty call*
        is what is then left. Next to each: a plain `[ThreadStatic]` field, or a plain `AsyncLocal`, that is read, or set and
        set back to what it was. The checks are off. An `await` is one of `Task.Yield()`, which goes through the queue of the thread pool;
        those are measured on threads of the pool. *A thread* is measured before the process enters its first flowing scope,
        *a thread inside of a flow* after: there a read looks at two thread-static fields at least, the thread's own and the
        context of the runtime. A row shows what a change handler of an `AsyncLocal`, which Allot does without,
        would cost at each `await`.
        """;

    public override string WarmUp => InProcess.Method + "\nWhat flows allocates, and its chunks are not checked.";

    public override IReadOnlyList<string> Tools => [];

    public override bool NeedsRoot => false;

    public override void Measure(Workbench bench, ResultPage page)
    {
        bool before = AllocationChecks.IsEnabled;
        AllocationChecks.IsEnabled = false;
        MeasureThread(bench, page);   // first: here no flow has entered anything yet
        MeasureThreadInFlow(bench, page);
        MeasureFlow(bench, page);
        AllocationChecks.IsEnabled = before;
    }

    private static void MeasureThread(Workbench bench, ResultPage page)
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("g");
        Work[] works =
        [
            Loop("an empty call", ScopeLoops.Empty),
            Loop("read a `[ThreadStatic]` int", ScopeLoops.ReadNumber),
            Loop("read the context", ScopeLoops.ReadContext),
            Loop("`Apply(Kernel)`", ScopeLoops.Apply),
            Loop("read a `[ThreadStatic]` reference", ScopeLoops.ReadReference),
            Loop("read the current group", ScopeLoops.ReadGroup),
            Loop("write a `[ThreadStatic]` int twice", ScopeLoops.WriteNumberTwice),
            Loop("enter and leave a scope", ScopeLoops.EnterAndLeave),
            Loop("three scopes, nested", ScopeLoops.EnterAndLeaveThree),
            Loop("write a `[ThreadStatic]` reference twice", ScopeLoops.WriteReferenceTwice),
            Loop("enter and leave a group", count => ScopeLoops.EnterAndLeaveGroup(group, count)),
            Loop("charge and uncharge", count => ScopeLoops.Charge(group, count)),
            Loop("charge and uncharge in a scope", count => ScopeLoops.ChargeInScope(group, count)),
        ];
        IReadOnlyList<Series> all = bench.InProcess.Compare(RoundCount, works);
        AddTable(page, "A thread, nothing flows in the process", all);
        AddGoal(page, all[2], all[1], 1.5);
        AddGoal(page, all[5], all[4], 1.5);
        AddGoal(page, all[7], all[6], 3);
        AddGoal(page, all[8], all[6], 9);
    }

    private static void MeasureThreadInFlow(Workbench bench, ResultPage page)
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("g");
        Work[] works =
        [
            Loop("an empty call", ScopeLoops.Empty),
            Loop("read a `[ThreadStatic]` int", ScopeLoops.ReadNumber),
            Loop("read the context, in a flow", ScopeLoops.ReadContextInFlow) with { MayAllocate = true },
            Loop("read a `[ThreadStatic]` reference", ScopeLoops.ReadReference),
            Loop("read the current group, in a flow", count => ScopeLoops.ReadGroupInFlow(group, count))
                with { MayAllocate = true },
            Loop("read an `AsyncLocal`", ScopeLoops.ReadAsyncLocal) with { MayAllocate = true },
            Loop("read an `AsyncLocal`, in a flow with six others", ScopeLoops.AmongOthers(ScopeLoops.ReadAsyncLocal))
                with { MayAllocate = true },
            Loop("read the current group, in a flow with six others",
                ScopeLoops.AmongOthers(count => ScopeLoops.ReadGroupInFlow(group, count))) with { MayAllocate = true },
            Loop("enter and leave a group, in a flow", count => ScopeLoops.EnterAndLeaveGroupInFlow(group, count))
                with { MayAllocate = true },
        ];
        IReadOnlyList<Series> all = bench.InProcess.Compare(RoundCount, works);
        AddTable(page, "A thread inside of a flow", all);
        AddGoal(page, all[7], all[6], 1);
    }

    private static void MeasureFlow(Workbench bench, ResultPage page)
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("g");
        Work[] works =
        [
            Flow("set an `AsyncLocal` and set it back", ScopeLoops.SetAsyncLocalThatIsSet),
            Flow("enter and leave a flowing scope", ScopeLoops.EnterAndLeaveInnerFlow),
            Flow("enter and leave a flowing group", count => ScopeLoops.EnterAndLeaveFlowingGroup(group, count)),
            Flow("set an `AsyncLocal` and clear it, nothing else flows", ScopeLoops.SetAsyncLocal),
            Flow("enter and leave a flowing scope, nothing else flows", ScopeLoops.EnterAndLeaveFlow),
            Flow("`await`, nothing flows", AwaitLoops.Plain),
            Flow("`await`, an `AsyncLocal` flows", AwaitLoops.WithAsyncLocal),
            Flow("`await`, an `AsyncLocal` with a handler that does nothing flows", AwaitLoops.WithHandler),
            Flow("`await`, a group flows", count => AwaitLoops.WithGroup(group, count)),
            Flow("`await`, a group flows and is read after it", count => AwaitLoops.WithGroupThatIsRead(group, count)),
        ];
        IReadOnlyList<Series> all = bench.InProcess.Compare(FlowRoundCount, works);
        page.AddTable("A flow",
            ["", "ns", "bytes allocated"],
            all.Zip(works, (one, work) => (string[])
            [
                one.Name, Cell.FewNanoseconds(one.Median(InProcess.Number)), $"{BytesAllocatedBy(work)}",
            ]));
        AddGoal(page, all[1], all[0], 1.3);
        AddGoal(page, all[2], all[0], 1.3);
        AddGoal(page, all[4], all[3], 1.3);
        AddGoal(page, all[8], all[5], 1.15);
    }

    private static void AddTable(ResultPage page, string heading, IReadOnlyList<Series> all) => page.AddTable(
        heading,
        ["", "ns", "to an empty call"],
        all.Select(one => (string[])
        [
            one.Name, Cell.FewNanoseconds(one.Median(InProcess.Number)),
            one == all[0] ? "1" : $"{one.RatioTo(all[0], InProcess.Number)}",
        ]));

    private static void AddGoal(ResultPage page, Series one, Series peer, double limit) =>
        page.AddGoal($"{one.Name}, to: {peer.Name}", one.RatioTo(peer, InProcess.Number), limit);

    // Of one operation, on the thread that does it; an await goes to threads of the pool and is not seen.
    private static long BytesAllocatedBy(Work work)
    {
        const int Count = 10_000;
        work.Run(0, Count);
        long before = GC.GetAllocatedBytesForCurrentThread();
        work.Run(0, Count);
        return (GC.GetAllocatedBytesForCurrentThread() - before) / Count;
    }

    private static Work Loop(string name, Action<int> run) => new(name, 1, (_, count) => run(count));

    private static Work Flow(string name, Action<int> run) => Loop(name, run) with { MayAllocate = true };
}
