using System.Globalization;
using Allot.Benchmarks.Runner;
using Allot.Maps;
using Allot.Testing;

namespace Allot.Benchmarks.Maps.Lru;

/// <summary>What a cache costs, and how often it has what is wanted.</summary>
internal sealed class LruBenchmark : Benchmark
{
    private const int RoundCount = 41, Wanted = 4_000_000, Capacity = 100_000;

    public override string Name => "lru";

    public override string Title => "Caches that drop what was not used for long";

    public override string Method => """
        A cache of at most 100,000 values of 64 bytes by keys of 8. A value is looked up and copied, and added if it
        is not there: nanoseconds of that, on each of the threads that do it. Which are wanted follows Zipf's law: the
        n-th most wanted of 1,000,000 with a frequency of 1 / n, in random order. *Hits* is how much of what is wanted
        is there, once the cache has been filled by as many questions as there are keys in the sequence. *By
        processor* is a map with `MapFlags.NoCommonLru`. `Dictionary` and `LinkedList` are under one lock;
        `MemoryCache` has a `SizeLimit`, and makes room in the background: what comes meanwhile is not added.
        """;

    public override string WarmUp => InProcess.Method.Replace(
        ", and is checked to allocate nothing",
        ", and is checked to allocate nothing but in the two managed caches",
        StringComparison.Ordinal);

    public override IReadOnlyList<string> Tools => [];

    public override bool NeedsRoot => false;

    public override void Measure(Workbench bench, ResultPage page)
    {
        int capacity = bench.Size(Capacity, 1000);
        int[] keys = Keys(bench.Size(Wanted, 20_000), capacity * 10);
        using var own = new AllotLru("Allot LruHashMap", keys, capacity, flags: 0);
        using var byProcessor = new AllotLru("Allot LruHashMap, by processor", keys, capacity, MapFlags.NoCommonLru);
        using var list = new ListLru(keys, capacity);
        using var cache = new MemoryCacheLru(keys, capacity);
        LruSubject[] all = [own, byProcessor, list, cache];
        foreach (LruSubject subject in all) subject.Fill();
        int most = bench.Threads.Count;
        List<Work> works = [];
        foreach (LruSubject subject in all)
        {
            for (int threads = 1; threads <= most; threads++)
            {
                var work = new Work($"{subject.Name}, {threads}", threads, subject.Run);
                works.Add(work with { MayAllocate = subject.Allocates });
            }
        }

        IReadOnlyList<Series> series = bench.InProcess.Compare(RoundCount, works);
        page.AddTable(
            "Look up, and add what is not there",
            most == 1 ? ["ns", "one thread", "hits"] : ["ns", "one thread", "two threads", "hits"],
            all.Select((subject, index) => (IReadOnlyList<string>)
            [
                subject.Name,
                .. series.Skip(index * most).Take(most).Select(one => Cell.Nanoseconds(one.Median(InProcess.Number))),
                subject.HitRate.ToString("P1", CultureInfo.InvariantCulture),
            ]));
        AddGoals(0, "one thread");
        if (most > 1) AddGoals(1, "two threads");

        void AddGoals(int threads, string name)
        {
            Add(2, "Dictionary and LinkedList", 1);
            Add(3, "MemoryCache", 0.5);

            void Add(int other, string to, double limit) => page.AddGoal(
                $"LruHashMap, {name}, to {to}",
                series[threads].RatioTo(series[(other * most) + threads], InProcess.Number),
                limit);
        }
    }

    // By the inverse of the sum of 1 / n, which is nearly a logarithm; then each number is some key.
    private static int[] Keys(int count, int different)
    {
        const uint Factor = 2_654_435_761;
        var random = new Prng(1);
        int[] keys = new int[count];
        for (int i = 0; i < count; i++)
        {
            double at = (random.Next() >> 11) * (1.0 / (1UL << 53));
            var rank = (uint)Math.Min(Math.Exp(at * Math.Log(different)), different);
            keys[i] = (int)(rank * Factor);
        }

        return keys;
    }
}
