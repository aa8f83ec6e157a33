using System.Diagnostics;
using Allot.Benchmarks.Runner;
using Allot.Maps;

namespace Allot.Benchmarks.Maps;

/// <summary>How long a full collection takes that has a large map in its heap, or outside of it.</summary>
internal static class CollectorPause
{
    public const string Number = "pause_ns";

    private const int Collections = 3;

    public static Sample OfDictionary(int count)
    {
        var map = new Dictionary<long, byte[]>(count);
        for (long key = 0; key < count; key++) map.Add(key, new byte[64]);
        Sample sample = Measure();
        GC.KeepAlive(map);
        return sample;
    }

    public static Sample OfHashMap(int count)
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("maps");
        using var map = new HashMap<long, Value64>(group, count);
        for (long key = 0; key < count; key++) _ = map.TryAdd(key, default);
        return Measure();
    }

    private static Sample Measure()
    {
        Collect();
        long best = long.MaxValue;
        for (int i = 0; i < Collections; i++)
        {
            long start = Stopwatch.GetTimestamp();
            Collect();
            best = Math.Min(best, Stopwatch.GetTimestamp() - start);
        }

        return Sample.Of(Number, best * 1e9 / Stopwatch.Frequency);
    }

    private static void Collect() => GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true);
}
