using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Allot.Benchmarks.Maps;

/// <summary>What everybody uses.</summary>
internal sealed class DictionarySubject : MapSubject
{
    private readonly Dictionary<long, Value64> _map;

    public DictionarySubject(long[] keys)
        : base("Dictionary", keys)
    {
        _map = new Dictionary<long, Value64>(keys.Length);
        foreach (long key in InOrder(keys)) _map.Add(key, new Value64 { First = key });
    }

    public override void Find(int thread, int count)
    {
        long sum = 0;
        foreach (long key in Next(thread, count))
        {
            ref Value64 found = ref CollectionsMarshal.GetValueRefOrNullRef(_map, key);
            if (!Unsafe.IsNullRef(ref found)) sum += found.First;
        }

        Sink = sum;
    }

    public override void Copy(int thread, int count)
    {
        long sum = 0;
        foreach (long key in Next(thread, count))
        {
            if (_map.TryGetValue(key, out Value64 found)) sum += found.First;
        }

        Sink = sum;
    }

    public override void Replace(int thread, int count)
    {
        foreach (long key in Next(thread, count)) _map[key] = new Value64 { First = key };
    }

    public override void RemoveAndAdd(int thread, int count)
    {
        foreach (long key in Next(thread, count))
        {
            _ = _map.Remove(key);
            _map.Add(key, new Value64 { First = key });
        }
    }
}

/// <summary>What everybody uses from several threads.</summary>
internal sealed class ConcurrentDictionarySubject : MapSubject
{
    private readonly ConcurrentDictionary<long, Value64> _map;

    public ConcurrentDictionarySubject(long[] keys)
        : base("ConcurrentDictionary", keys)
    {
        _map = new ConcurrentDictionary<long, Value64>(Environment.ProcessorCount, keys.Length);
        foreach (long key in InOrder(keys)) _map[key] = new Value64 { First = key };
    }

    public override bool Allocates => true;

    public override void Find(int thread, int count)
    {
        long sum = 0;
        foreach (long key in Next(thread, count))
        {
            if (_map.TryGetValue(key, out Value64 found)) sum += found.First;
        }

        Sink = sum;
    }

    public override void Replace(int thread, int count)
    {
        foreach (long key in Next(thread, count)) _map[key] = new Value64 { First = key };
    }

    public override void RemoveAndAdd(int thread, int count)
    {
        foreach (long key in Next(thread, count))
        {
            _ = _map.TryRemove(key, out _);
            _ = _map.TryAdd(key, new Value64 { First = key });   // the other thread may be at the same key
        }
    }
}
