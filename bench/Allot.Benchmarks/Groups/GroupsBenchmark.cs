using System.Globalization;
using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks.Groups;

/// <summary>What it costs to create, find and remove groups, few and a million.</summary>
internal sealed class GroupsBenchmark : Benchmark
{
    private const int FewCount = 1_000, ManyCount = 1_000_000;
    private const int FewRounds = 31, ManyRounds = 7;

    private static readonly (int Count, bool IsFlat)[] s_trees =
        [(FewCount, true), (ManyCount, true), (FewCount, false), (ManyCount, false)];

    private static readonly string[] s_sizes = [Run.BytesEach, Run.BytesLeft];

    public override string Name => "groups";

    public override string Title => "Groups: create, find, remove";

    public override string Method => """
        All groups of a tree are created, then each is found by its path, then each is removed; next to a
        `Dictionary<string, object>` of the same names to which as many new objects are added, in which each is found, and
        from which each is removed: all in the same order. *Flat*: all groups have one parent. *Depth 4*: 32 children for
        each group, at most four below the root; the keys of the dictionary are the paths. One thread, nanoseconds of one
        operation; the garbage collector is a part of it. The heap is measured after a full collection: full, and after
        all are removed, beyond what it was before. A thousand groups are done in a thousand trees in turn.
        """;

    public override string WarmUp => "One round of warm-up is not counted.";

    public override IReadOnlyList<string> Tools => [];

    public override bool NeedsRoot => false;

    public override void Measure(Workbench bench, ResultPage page)
    {
        List<IReadOnlyList<string>> times = [], ratios = [], heap = [];
        foreach ((int count, bool isFlat) in s_trees)
        {
            bool isMany = count == ManyCount;
            int size = bench.Size(count, 100), repeats = isMany ? 1 : bench.Size(1_000, 2);
            string[] paths = isFlat ? NamedPaths.Flat(size) : NamedPaths.Tree(size, wide: 32);
            IReadOnlyList<Series> series = bench.Compare(
                isMany ? ManyRounds : FewRounds,
                new Variant("Dictionary", () => new DictionaryRun(paths).Measure(repeats)),
                new Variant("Allot", () => new GroupsRun(paths).Measure(repeats)));
            Series peer = series[0], own = series[1];
            string what = string.Create(CultureInfo.InvariantCulture, $"{count:N0}, {(isFlat ? "flat" : "depth 4")}");
            foreach (Series one in series)
            {
                times.Add([what, one.Name, .. Run.Steps.Select(step => Cell.Nanoseconds(one.Median(step)))]);
                if (isMany) heap.Add([what, one.Name, .. s_sizes.Select(size => ((long)one.Median(size)).ToString(CultureInfo.InvariantCulture))]);
            }

            ratios.Add([what, .. Run.Steps.Select(step => $"{own.RatioTo(peer, step)}")]);
            if (isMany)
            {
                foreach (string step in Run.Steps) page.AddGoal($"microseconds to {step}, {what}", own.In(1000, step), 1);
            }
        }

        page.AddTable("One operation", ["groups", "ns", "create", "find", "remove"], times);
        page.AddTable("Allot to Dictionary", ["groups", "create", "find", "remove"], ratios);
        page.AddTable("Managed heap, names not counted", ["groups", "of", "bytes each", "bytes left after removal"], heap);
    }
}
