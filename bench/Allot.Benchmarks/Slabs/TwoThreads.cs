using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks.Slabs;

/// <summary>Whether two threads are in each other's way.</summary>
internal sealed class TwoThreads
{
    public const string Method = """
        Of two threads the slower one counts. *To one* compares it with one thread while the other processor idles, *to each*
        with the slower of both processors where one does the same and the other counts in registers: processors of a
        virtual machine are slowed by what they share with other machines, and two more often than one, even where they
        touch no memory at all (*registers only*). Here threads have allocated for themselves alone so far. *Mixed* is a
        batch to each again after they have passed blocks to each other: then a block of one can be the neighbour of a
        block of the other, and processors fetch lines of memory by twos. mimalloc has none of that, because a block goes
        back to the thread that has allocated it.
        """;

    private const double GoalRatio = 1.1;

    private readonly IReadOnlyList<HeapSubject> _subjects;
    private readonly Dictionary<SlabCase, Series> _results;
    private readonly IReadOnlyList<Series> _registers;

    private TwoThreads(IReadOnlyList<HeapSubject> subjects, Dictionary<SlabCase, Series> results, IReadOnlyList<Series> registers)
    {
        _subjects = subjects;
        _results = results;
        _registers = registers;
    }

    /// <summary>Measures it before any other case, which would mix the blocks of the threads.</summary>
    /// <returns>Null where there is one processor.</returns>
    public static TwoThreads? Measure(Workbench bench, IReadOnlyList<HeapSubject> subjects, int rounds)
    {
        if (bench.Threads.Count < 2) return null;
        SlabCase[] cases = [.. from subject in subjects
                               from kind in (SlabKind[])[SlabKind.Pair, SlabKind.Batch]
                               let one = new SlabCase(subject) { Kind = kind }
                               from way in (SlabCase[])[one, Both(one), Each(one)]
                               select way];
        IReadOnlyList<Series> all =
            bench.InProcess.Compare(rounds, [.. cases.Select(static one => one.ToWork()), .. RegisterWorks()]);
        return new TwoThreads(subjects, cases.Zip(all).ToDictionary(static one => one.First, static one => one.Second),
            [.. all.Skip(cases.Length)]);
    }

    /// <summary>The cases to measure among those that mix blocks.</summary>
    public static IEnumerable<SlabCase> Mixed(HeapSubject subject) => [Both(BatchOf(subject)), Each(BatchOf(subject))];

    /// <param name="page">The page.</param>
    /// <param name="mixed">With the results of <see cref="Mixed"/>.</param>
    public void AddTo(ResultPage page, IReadOnlyDictionary<SlabCase, Series> mixed)
    {
        IEnumerable<IReadOnlyList<string>> rows =
            from subject in _subjects
            let pair = new SlabCase(subject)
            let batch = BatchOf(subject)
            select (IReadOnlyList<string>)
            [
                subject.Name,
                Time(pair), $"{ToOne(pair)}", $"{ToEach(pair, _results)}",
                Time(batch), $"{ToOne(batch)}", $"{ToEach(batch, _results)}", $"{ToEach(batch, mixed)}",
            ];
        (Series alone, Series both, Series each) = (_registers[0], _registers[1], _registers[2]);
        rows = rows.Append(
        [
            "registers only", Cell.FewNanoseconds(both.Median(InProcess.Number)),
            $"{both.RatioTo(alone, InProcess.Number)}", $"{both.RatioTo(each, InProcess.Number)}", "", "", "", "",
        ]);
        page.AddTable("Two threads",
            ["ns", "pair of 64", "to one", "to each", "batch of 64", "to one", "to each", "mixed"], rows);
    }

    public void AddGoals(ResultPage page)
    {
        Add("pair", new SlabCase(AllotHeaps.ByAllocator));
        Add("batch", BatchOf(AllotHeaps.ByAllocator));

        void Add(string what, SlabCase one)
        {
            page.AddGoal($"{one.Subject.Name}: {what} of 64 bytes, two threads to one", ToOne(one), GoalRatio);
            page.AddGoal($"{one.Subject.Name}: {what} of 64 bytes, two threads to each", ToEach(one, _results), GoalRatio);
        }
    }

    private static SlabCase BatchOf(HeapSubject subject) => new(subject) { Kind = SlabKind.Batch };

    private static SlabCase Both(SlabCase one) => one with { Threads = 2 };

    private static SlabCase Each(SlabCase one) => one with { Threads = 2, IsInTurn = true };

    // One thread, two, and each of two in turn.
    private static IEnumerable<Work> RegisterWorks() =>
        from way in ((int Threads, bool IsInTurn)[])[(1, false), (2, false), (2, true)]
        select new Work("registers only", way.Threads, static (_, count) => Registers.Run(count))
        {
            IsInTurn = way.IsInTurn,
        };

    private string Time(SlabCase one) => Cell.FewNanoseconds(_results[Both(one)].Median(InProcess.Number));

    private Quartiles ToOne(SlabCase one) => _results[Both(one)].RatioTo(_results[one], InProcess.Number);

    private static Quartiles ToEach(SlabCase one, IReadOnlyDictionary<SlabCase, Series> results) =>
        results[Both(one)].RatioTo(results[Each(one)], InProcess.Number);
}
