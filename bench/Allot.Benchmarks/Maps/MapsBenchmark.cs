using Allot.Benchmarks.Runner;
using Allot.Maps;
using Allot.Testing;

namespace Allot.Benchmarks.Maps;

/// <summary>What maps cost outside of the managed heap.</summary>
internal sealed class MapsBenchmark : Benchmark
{
    private const double ChunkNanoseconds = 10_000_000;   // long enough for tags and buckets to be in the caches again
    private const int RoundCount = 41, PauseRounds = 3, KeysLog2 = 20, PauseElements = 10_000_000;
    private const ulong KeyFactor = 0x9e37_79b9_7f4a_7c15;

    public override string Name => "maps";

    public override string Title => "Maps outside of the managed heap";

    public override string Method => """
        A map of 1,048,576 elements, keys of 8 bytes and values of 64, all of which are there. Keys are used in random
        order, which is another one than that in which they were added.
        *Find* reads the first 8 bytes of a value where it lies (`HashMap.GetReference`,
        `CollectionsMarshal.GetValueRefOrNullRef`), *copy* all 64 (`TryGetValue`); *replace* writes a value; *remove and add*
        removes an element and adds it again. Nanoseconds of one, on each of the threads that do it. *By element* is a map
        with `MapFlags.NoPreallocation`. The kernel's map is used through bpf(2), and *inside* by a program of 64 lookups
        that the kernel times itself (`BPF_PROG_TEST_RUN`); without the right to make maps these are left out. The *pause*
        is a full blocking collection, the shortest of three, while there is a map of 10,000,000 elements.
        """;

    public override string WarmUp => InProcess.Method
        .Replace("0.25 ms", "10 ms", StringComparison.Ordinal)
        .Replace("to allocate nothing", "to allocate nothing but in `ConcurrentDictionary`", StringComparison.Ordinal);

    public override IReadOnlyList<string> Tools => [];

    public override bool NeedsRoot => false;

    public override void Measure(Workbench bench, ResultPage page)
    {
        AddPauses(bench, page);   // first: while there is nothing else in the heap
        int keysLog2 = bench.Size(KeysLog2, 12);
        long[] keys = Keys(1 << keysLog2);
        using HashMapSubject own = Filled("Allot HashMap", flags: 0);
        using HashMapSubject ownOfTwo = Filled("Allot HashMap", flags: 0);
        using HashMapSubject byElement = Filled("Allot HashMap, by element", MapFlags.NoPreallocation);
        using var dictionary = new DictionarySubject(keys);
        using var concurrent = new ConcurrentDictionarySubject(keys);
        using KernelSubject? kernel = KernelBpf.IsAvailable ? new KernelSubject(keys) : null;
        List<MapSubject> all = [own, byElement, dictionary, concurrent];
        if (kernel is not null) all.Add(kernel);
        MapSubject[] ofTwo =
            bench.Threads.Count == 1 ? [] : [ownOfTwo, .. all.Where(one => one != own && one != dictionary)];
        Dictionary<string, Series> series = Compare(bench, all, ofTwo);
        AddTimes(page, all, series);
        AddInside(bench, page, kernel, keysLog2, series[Key(own, "find", 1)]);
        page.AddGoal("find, to a copy by Dictionary.TryGetValue", Ratio("find", 1, dictionary, "copy"), 0.4);
        page.AddGoal("copy, to a copy by Dictionary.TryGetValue", Ratio("copy", 1, dictionary, "copy"), 0.5);
        page.AddGoal("find, to find in Dictionary", Ratio("find", 1, dictionary, "find"), 0.65);
        page.AddGoal("remove and add, to Dictionary", Ratio("remove and add", 1, dictionary, "remove and add"), 0.75);
        if (bench.Threads.Count > 1)
        {
            Quartiles replace = Ratio("replace", 2, concurrent, "replace");
            page.AddGoal("replace on two threads, to ConcurrentDictionary", replace, 0.5);
        }

        // By the thread that uses it: who writes alone, writes without locks.
        HashMapSubject Filled(string name, uint flags)
        {
            HashMapSubject? filled = null;
            bench.Threads.Run(1, _ => filled = new HashMapSubject(name, keys, flags));
            return filled!;
        }

        Quartiles Ratio(string what, int threads, MapSubject other, string otherWhat) =>
            series[Key(own, what, threads)].RatioTo(series[Key(other, otherWhat, threads)], InProcess.Number);
    }

    private static Dictionary<string, Series> Compare(
        Workbench bench, IEnumerable<MapSubject> ofOneThread, IEnumerable<MapSubject> ofTwo)
    {
        List<Work> works = [];
        foreach (MapSubject subject in ofOneThread)
        {
            Add(subject, "find", 1, subject.Find, mayAllocate: false);
            Add(subject, "copy", 1, subject.Copy, mayAllocate: false);
            Add(subject, "replace", 1, subject.Replace, subject.Allocates);
            Add(subject, "remove and add", 1, subject.RemoveAndAdd, subject.Allocates);
        }

        foreach (MapSubject subject in ofTwo)
        {
            Add(subject, "find", 2, subject.Find, mayAllocate: false);
            Add(subject, "replace", 2, subject.Replace, subject.Allocates);
            Add(subject, "remove and add", 2, subject.RemoveAndAdd, subject.Allocates);
        }

        IReadOnlyList<Series> measured = bench.InProcess.Compare(RoundCount, works);
        return works.Zip(measured).ToDictionary(pair => pair.First.Name, pair => pair.Second);

        void Add(MapSubject subject, string what, int threads, Action<int, int> run, bool mayAllocate) =>
            works.Add(new Work(Key(subject, what, threads), threads, run)
            {
                MayAllocate = mayAllocate,
                ChunkNanoseconds = ChunkNanoseconds,
            });
    }

    private static void AddTimes(ResultPage page, List<MapSubject> all, Dictionary<string, Series> series)
    {
        string[] one = ["find", "copy", "replace", "remove and add"], two = ["find", "replace", "remove and add"];
        page.AddTable("One thread", ["ns", .. one], all.Select(subject => Row(subject, one, 1)));
        if (!series.ContainsKey(Key(all[0], "find", 2))) return;
        page.AddTable(
            "Two threads, one map",
            ["ns on each", .. two],
            all.Where(subject => subject is not DictionarySubject).Select(subject => Row(subject, two, 2)));

        IReadOnlyList<string> Row(MapSubject subject, string[] columns, int threads) =>
        [
            subject.Name,
            .. columns.Select(what => Cell.Nanoseconds(series[Key(subject, what, threads)].Median(InProcess.Number))),
        ];
    }

    // The kernel measures by itself, so it takes turns with the same work here.
    private static void AddInside(
        Workbench bench, ResultPage page, KernelSubject? kernel, int keysLog2, Series find)
    {
        if (kernel is null) return;
        using var program = new KernelProgram(kernel.Map, KeyFactor, keysLog2);
        int runs = bench.Size(2000, 1);
        Series inside = bench.Compare(find.Rounds, new Variant("kernel, inside", () => program.Measure(runs)))[0];
        page.AddTable(
            "Inside the kernel",
            ["ns", "find"],
            [[inside.Name, Cell.Nanoseconds(inside.Median(InProcess.Number))]]);
        page.AddGoal("find, to the kernel's map inside the kernel", find.RatioTo(inside, InProcess.Number), 0.25);
    }

    private static void AddPauses(Workbench bench, ResultPage page)
    {
        int count = bench.Size(PauseElements, 1000);
        IReadOnlyList<Series> pauses = bench.Compare(
            PauseRounds,
            new Variant("Dictionary of byte[64]", () => CollectorPause.OfDictionary(count)),
            new Variant("Allot HashMap", () => CollectorPause.OfHashMap(count)));
        page.AddTable(
            "A full collection, with 10,000,000 elements",
            ["ms", "pause"],
            pauses.Select(static one => (IReadOnlyList<string>)
                [one.Name, Cell.Milliseconds(one.Median(CollectorPause.Number))]));
        page.AddGoal(
            "pause of a full collection, to Dictionary of byte[64]",
            pauses[1].RatioTo(pauses[0], CollectorPause.Number),
            0.02);
    }

    // Numbers times an odd factor, shuffled: no two are alike, and the kernel's program can make them.
    private static long[] Keys(int count)
    {
        var random = new Prng(1);
        long[] keys = [.. Enumerable.Range(0, count).Select(static number => (long)((ulong)number * KeyFactor))];
        for (int i = count - 1; i > 0; i--)
        {
            int other = random.Below(i + 1);
            (keys[i], keys[other]) = (keys[other], keys[i]);
        }

        return keys;
    }

    private static string Key(MapSubject subject, string what, int threads) => $"{subject.Name}: {what}, {threads}";
}
