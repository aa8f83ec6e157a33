using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks.Charge;

/// <summary>What charging costs inside a process, next to other ways to account.</summary>
internal sealed class ChargeBenchmark : Benchmark
{
    private const int RoundCount = 101, HoverRounds = 41;
    private const int ManyGroups = 8, VeryManyGroups = 100;

    private static readonly int[] s_depths = [1, 3, 5];
    private static readonly long[] s_sizes = [64, 4096];
    private static readonly CaseKind[] s_kinds = [CaseKind.Pair, CaseKind.Burst];
    private static readonly CaseSharing[] s_limited = [CaseSharing.Leaves, CaseSharing.Ancestors];

    public override string Name => "charge";

    public override string Title => "Charging and uncharging inside a process";

    public override string Method => """
        One thread or two charge groups and give back. Times are nanoseconds of one *pair*, a charge and its uncharge, on
        each of the threads that do it. Every level of every tree has a limit that is never reached; *depth* is the number
        of levels from leaf to root, the root counted; some memory is charged all the time. A pair is two calls that are
        not inlined; *compiled into the loop*, it is what the compiler makes of the same without that. 101 rounds, 41 of
        hovering. The peers:

        - *Interlocked on every level, C#*: one atomic addition and one comparison with the limit on each level, taken back
          where one refuses. What everybody writes first, and what the goals are relative to.
        - *thread-local stock, C*: `bench/peer/stock.c`, the least that charging in batches can cost. Loops and calls are in
          C. It has no exact limits: what idle threads have in stock is out of reach.
        - *talloc, by P/Invoke*: `talloc_set_memlimit` of Samba's libtalloc on every level, the bytes allocated and freed.
          It does more (a header, malloc), and malloc is most of what a burst of pages shows. A tree of it belongs to one
          thread: two cannot be below a common limit, so it has no row where they are. It is a call into a library, so
          nothing of it is compiled into the loop.

        Allot is charged *by group* (`group.TryCharge`), *by handle* (`group.Handle()`, which a thread keeps for its loop), and
        *ambient* (`AmbientCharging.TryCharge`, which charges the group that the thread is in by `group.Enter()`). No flow
        of this process has a group (`group.EnterFlow()`): with one, each such charge also looks which flow it is in, see
        `scopes`.

        *Siblings* are groups of each thread's own, below the same ancestors. A *burst* is 256 charges, then 256 uncharges.
        *In turn* means that each pair, or burst, charges another group than the one before; ambient, that is a scope
        entered and left around each. At depth 1 each of those groups is a tree. *Hovering* charges and uncharges 64 bytes
        at every fill level from 0 to 512 KiB, up and down in steps of 64 bytes; the worst step is where the edge of a batch
        costs most.
        """;

    public override string WarmUp => InProcess.Method;

    public override IReadOnlyList<(string Name, string Package)> Libraries => [(TallocSubject.Library, "libtalloc2")];

    public override bool NeedsRoot => false;

    public override void Measure(Workbench bench, ResultPage page)
    {
        Subject stock = StockSubject.WithSpare(bench);
        Subject[] subjects = [InterlockedSubject.Subject, stock, TallocSubject.Subject, .. AllotSubjects.All];
        CaseResults results = CaseResults.Of(bench, RoundCount, subjects.SelectMany(AllCases));
        AddDepths(page, "One thread, one group", CaseKind.Pair, subjects, results);
        AddInlined(page, subjects, results);
        AddDepths(page, "One thread, one group, bursts of 256", CaseKind.Burst, subjects, results);
        AddTwoThreads(page, subjects, results);
        AddTreeEach(page, subjects, results);
        AddInTurn(page, subjects, results);
        AddVeryMany(page, subjects, results);
        foreach (Subject own in AllotSubjects.All) AddGoals(page, own, results);
        AddHovering(bench, page, [stock, StockSubject.WithoutSpare(bench), .. AllotSubjects.All]);
    }

    private static IEnumerable<Case> AllCases(Subject subject)
    {
        var plain = new Case(subject);
        foreach (int depth in s_depths)
        {
            yield return Inlined(plain) with { Depth = depth };
            foreach (long bytes in s_sizes)
            {
                foreach (CaseKind kind in s_kinds)
                {
                    Case one = plain with { Kind = kind, Depth = depth, Bytes = bytes };
                    Case inTurn = one with { Groups = ManyGroups };
                    yield return one;
                    yield return inTurn;
                    yield return Two(one, CaseSharing.Nothing);
                    foreach (CaseSharing sharing in s_limited)
                    {
                        yield return Two(one, sharing);
                        yield return Two(inTurn, sharing);
                    }
                }
            }
        }

        yield return plain with { Groups = VeryManyGroups };
        yield return Two(plain, CaseSharing.Ancestors) with { Groups = VeryManyGroups };
    }

    private static Case Inlined(Case one) => one with { Kind = CaseKind.InlinedPair };

    private static Case Two(Case one, CaseSharing sharing) => one with { Threads = 2, Sharing = sharing };

    private static Case ByInterlocked(Case one) => one with { Subject = InterlockedSubject.Subject };

    private static void AddDepths(
        ResultPage page, string heading, CaseKind kind, IReadOnlyList<Subject> subjects, CaseResults results) =>
        page.AddTable(heading,
            ["ns per pair", "bytes", "depth 1", "depth 3", "depth 5", "depth 5 to depth 1", "depth 5 to Interlocked"],
            from bytes in s_sizes
            from subject in subjects
            let deep = new Case(subject) { Kind = kind, Bytes = bytes }
            where results.Has(deep)
            select DepthsOf(deep, [$"{bytes}"], deep with { Depth = 1 }, results));

    private static void AddInlined(ResultPage page, IReadOnlyList<Subject> subjects, CaseResults results) =>
        page.AddTable("One thread, one group, compiled into the loop",
            ["ns per pair", "bytes", "depth 1", "depth 3", "depth 5", "depth 5 to depth 1", "depth 5 to Interlocked"],
            from subject in subjects
            let deep = Inlined(new Case(subject))
            where results.Has(deep)
            select DepthsOf(deep, ["64"], deep with { Depth = 1 }, results));

    private static void AddTwoThreads(ResultPage page, IReadOnlyList<Subject> subjects, CaseResults results) =>
        page.AddTable("Two threads",
            ["ns per pair", "what", "bytes", "groups", "depth 1", "depth 3", "depth 5", "depth 5 to one thread",
                "depth 5 to Interlocked"],
            from kind in s_kinds
            from bytes in s_sizes
            from sharing in s_limited
            from subject in subjects
            let alone = new Case(subject) { Kind = kind, Bytes = bytes }
            let both = Two(alone, sharing)
            where results.Has(both)
            select DepthsOf(both, [NameOf(kind), $"{bytes}", NameOf(sharing)], alone, results));

    private static void AddTreeEach(ResultPage page, IReadOnlyList<Subject> subjects, CaseResults results) =>
        page.AddTable("Two threads, a tree each, and no limit for both",
            ["ns per pair", "what", "bytes", "depth 1", "depth 3", "depth 5", "depth 5 to one thread",
                "depth 5 to Interlocked"],
            from kind in s_kinds
            from bytes in s_sizes
            from subject in subjects
            let alone = new Case(subject) { Kind = kind, Bytes = bytes }
            let both = Two(alone, CaseSharing.Nothing)
            where results.Has(both)
            select DepthsOf(both, [NameOf(kind), $"{bytes}"], alone, results));

    private static string NameOf(CaseKind kind) => kind == CaseKind.Burst ? "burst" : "pair";

    private static string NameOf(CaseSharing sharing) => sharing == CaseSharing.Leaves ? "one" : "siblings";

    private static IReadOnlyList<string> DepthsOf(
        Case deep, IReadOnlyList<string> what, Case baseline, CaseResults results) =>
    [
        deep.Subject.Name,
        .. what,
        .. s_depths.Select(depth => results.Time(deep with { Depth = depth })),
        results.RatioCell(deep, baseline),
        results.RatioCell(deep, ByInterlocked(deep)),
    ];

    private static void AddInTurn(ResultPage page, IReadOnlyList<Subject> subjects, CaseResults results) =>
        page.AddTable("8 groups in turn",
            ["ns per pair", "what", "bytes", "threads, groups", "depth 1", "depth 3", "depth 5",
                "depth 5 to one group", "depth 5 to Interlocked"],
            from kind in s_kinds
            from bytes in s_sizes
            from shape in InTurnShapes()
            from subject in subjects
            let one = shape.Of(new Case(subject) { Kind = kind, Bytes = bytes })
            let many = one with { Groups = ManyGroups }
            where results.Has(many)
            select DepthsOf(many, [NameOf(kind), $"{bytes}", shape.Name], one, results));

    private static IEnumerable<(string Name, Func<Case, Case> Of)> InTurnShapes()
    {
        yield return ("1, 8", static one => one);
        yield return ("2, the same 8", static one => Two(one, CaseSharing.Leaves));
        yield return ("2, 8 siblings each", static one => Two(one, CaseSharing.Ancestors));
    }

    private static void AddVeryMany(ResultPage page, IReadOnlyList<Subject> subjects, CaseResults results) =>
        page.AddTable("100 groups in turn: 64 bytes, depth 5",
            ["ns per pair", "threads", "1 group each", "100 groups each", "100 to 1", "100, to Interlocked"],
            from threads in Enumerable.Range(1, 2)
            from subject in subjects
            let one = threads == 1 ? new Case(subject) : Two(new Case(subject), CaseSharing.Ancestors)
            let veryMany = one with { Groups = VeryManyGroups }
            where results.Has(one)
            select (string[])
            [
                subject.Name, $"{threads}", results.Time(one), results.Time(veryMany),
                results.RatioCell(veryMany, one), results.RatioCell(veryMany, ByInterlocked(veryMany)),
            ]);

    private static void AddGoals(ResultPage page, Subject own, CaseResults results)
    {
        ChargeGoals goals = own.Goals!;
        foreach (long bytes in s_sizes)
        {
            Case pair = new Case(own) { Bytes = bytes }, burst = pair with { Kind = CaseKind.Burst };
            string what = $"of {bytes} bytes", peer = "at depth 5, to Interlocked";
            results.AddGoal(page, $"pair {what} {peer}", pair, ByInterlocked(pair), goals.PairMax);
            results.AddGoal(page, $"burst {what} {peer}", burst, ByInterlocked(burst), goals.BurstMax);
            results.AddGoal(page, $"pair {what}, depth 5 to depth 1", pair, pair with { Depth = 1 }, 1.05);
            results.AddGoal(page, $"pair {what}, two threads in one group to one thread", Two(pair, CaseSharing.Leaves), pair, 1.3);
            results.AddGoal(page, $"pair {what}, 8 groups in turn to one", pair with { Groups = ManyGroups }, pair, 3);
        }
    }

    private static void AddHovering(Workbench bench, ResultPage page, IReadOnlyList<Subject> subjects)
    {
        HoverSweep[] sweeps = [.. subjects.Select(subject =>
            new HoverSweep(bench.Threads, subject, bench.Size(512 * 1024 / (int)HoverSweep.Bytes, 16)))];
        bench.InProcess.WarmUp([.. sweeps.Select(static sweep => sweep.WarmUp)]);
        for (int round = 0; round < bench.Size(HoverRounds, 1); round++)
        {
            foreach (HoverSweep sweep in sweeps) sweep.Run();
        }

        List<IReadOnlyList<string>> rows = [];
        foreach (HoverSweep sweep in sweeps)
        {
            sweep.GiveBack();
            (Quartiles ratio, long bytes) = sweep.Worst;
            (double middle, double worst) = sweep.Nanoseconds;
            rows.Add([sweep.Subject.Name, Cell.FewNanoseconds(sweep.PlainNanoseconds), Cell.FewNanoseconds(middle),
                Cell.FewNanoseconds(worst), $"{bytes}", $"{ratio}"]);
            if (sweep.Subject.Goals is null) continue;
            page.AddGoal($"{sweep.Subject.Name}: hovering at the worst fill level to the plain pair", ratio, 1.5);
        }

        page.AddTable("Hovering: 64 bytes, depth 5",
            ["ns per pair", "plain", "middle step", "worst step", "bytes charged there", "worst to plain"], rows);
    }
}
