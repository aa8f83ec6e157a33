using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks.Slabs;

/// <summary>What accounting adds to a pair: the same slabs with it and without.</summary>
internal static class AccountingCost
{
    public const string Method = """
        *What accounting adds* compares with the same slabs without it (`bench/Allot.Benchmarks/Slabs/UnaccountedHeaps.cs`),
        which no public way leads to: the same instructions without reserves and owners. *By handle* has what belongs to
        the thread in hand, and is compiled into the loop; *by thread* finds it and is called, as *in a scope* is: once for
        the whole loop, or *apart* for each call, as it is where a program does not allocate in a loop. The goal of a pair
        in a scope is for the latter: a call that finds its thread. What is *charged to nobody* is not without accounting:
        those are the instructions of a charge, on a reserve that never ends.
        """;

    private const int RoundCount = 61, GoalBytes = 64;
    private const double MostNanoseconds = 2, MostRatio = 1.3;

    private static readonly int[] s_sizes = [16, GoalBytes, 256, 1024, 4096];

    // With accounting, and without.
    private static readonly (HeapSubject Own, HeapSubject Bare)[] s_pairs =
    [
        (AllotHeaps.ByAllocator, UnaccountedHeaps.ByHandle), (AllotHeaps.Ambient, UnaccountedHeaps.ByThread),
        (AllotHeaps.AmbientApart, UnaccountedHeaps.ByThreadApart),
    ];

    public static void AddTo(ResultPage page, Workbench bench)
    {
        SlabCase[] cases = [.. from pair in s_pairs
                               from subject in (HeapSubject[])[pair.Bare, pair.Own]
                               from bytes in s_sizes
                               select new SlabCase(subject) { Bytes = bytes }];
        Dictionary<SlabCase, Series> all = cases
            .Zip(bench.InProcess.Compare(RoundCount, [.. cases.Select(static one => one.ToWork())]))
            .ToDictionary(static one => one.First, static one => one.Second);
        List<IReadOnlyList<string>> rows = [];
        foreach ((HeapSubject own, HeapSubject bare) in s_pairs)
        {
            rows.Add([bare.Name, .. s_sizes.Select(bytes => Time(bare, bytes))]);
            rows.Add([own.Name, .. s_sizes.Select(bytes => Time(own, bytes))]);
            rows.Add(["adds", .. s_sizes.Select(bytes => $"{Adds(own, bare, bytes)}")]);
            rows.Add(["ratio", .. s_sizes.Select(bytes => $"{Ratio(own, bare, bytes)}")]);
        }

        page.AddTable("What accounting adds to a pair", ["ns", .. s_sizes.Select(static bytes => $"{bytes}")], rows);
        page.AddGoal($"{AllotHeaps.ByAllocator.Name}: nanoseconds that accounting adds to a pair of {GoalBytes} bytes",
            Adds(AllotHeaps.ByAllocator, UnaccountedHeaps.ByHandle, GoalBytes), MostNanoseconds);
        page.AddGoal($"{AllotHeaps.AmbientApart.Name}: pair of {GoalBytes} bytes to the same without accounting",
            Ratio(AllotHeaps.AmbientApart, UnaccountedHeaps.ByThreadApart, GoalBytes), MostRatio);

        Series At(HeapSubject subject, int bytes) => all[new SlabCase(subject) { Bytes = bytes }];

        string Time(HeapSubject subject, int bytes) => Cell.FewNanoseconds(At(subject, bytes).Median(InProcess.Number));

        Quartiles Adds(HeapSubject own, HeapSubject bare, int bytes) =>
            At(own, bytes).MoreThan(At(bare, bytes), InProcess.Number);

        Quartiles Ratio(HeapSubject own, HeapSubject bare, int bytes) =>
            At(own, bytes).RatioTo(At(bare, bytes), InProcess.Number);
    }
}
