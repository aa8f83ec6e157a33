using System.Runtime.CompilerServices;
using Allot.Benchmarks.Runner;
using Allot.Maps;

namespace Allot.Benchmarks.Maps;

/// <summary>Allot's.</summary>
internal sealed class HashMapSubject : MapSubject
{
    private readonly HashMap<long, Value64> _map;

    public HashMapSubject(string name, long[] keys, uint flags = 0)
        : base(name, keys)
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("maps", new() { MaxBytes = 1L << 40 });
        _map = new HashMap<long, Value64>(group, keys.Length, flags);
        foreach (long key in InOrder(keys))
        {
            if (!_map.TryAdd(key, new Value64 { First = key })) throw new BenchmarkException("There is no room.");
        }
    }

    public override void Find(int thread, int count)
    {
        long sum = 0;
        foreach (long key in Next(thread, count))
        {
            ref Value64 found = ref _map.GetReference(key);
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
        foreach (long key in Next(thread, count)) _ = _map.TrySet(key, new Value64 { First = key });
    }

    public override void RemoveAndAdd(int thread, int count)
    {
        foreach (long key in Next(thread, count))
        {
            _ = _map.TryRemove(key);
            _ = _map.TryAdd(key, new Value64 { First = key });
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _map.Dispose();
    }
}
