using Allot.Benchmarks.Runner;
using Allot.Testing;

namespace Allot.Benchmarks.Maps;

/// <summary>A map of the kernel, through bpf(2).</summary>
internal sealed unsafe class KernelSubject : MapSubject
{
    private const int Hash = 1;

    public KernelSubject(long[] keys)
        : base("kernel, by system call", keys)
    {
        Map = KernelBpf.TryCreateMap(Hash, sizeof(long), (uint)sizeof(Value64), (uint)keys.Length);
        if (Map < 0) throw new BenchmarkException($"The kernel makes no map: error {Map}.");
        foreach (long key in InOrder(keys)) Put(key);
    }

    /// <summary>Its descriptor.</summary>
    public int Map { get; }

    public override void Find(int thread, int count)
    {
        long sum = 0;
        foreach (long key in Next(thread, count))
        {
            Value64 found;
            Check(KernelBpf.Element(KernelBpf.Lookup, Map, &key, &found));
            sum += found.First;
        }

        Sink = sum;
    }

    public override void Replace(int thread, int count)
    {
        foreach (long key in Next(thread, count)) Put(key);
    }

    public override void RemoveAndAdd(int thread, int count)
    {
        foreach (long key in Next(thread, count))
        {
            Check(KernelBpf.Element(KernelBpf.Delete, Map, &key, null));
            Put(key);
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _ = KernelBpf.Close(Map);
    }

    private void Put(long key)
    {
        var value = new Value64 { First = key };
        Check(KernelBpf.Element(KernelBpf.Update, Map, &key, &value));
    }

    private static void Check(int error)
    {
        if (error < 0) throw new BenchmarkException($"bpf(2) failed: error {error}.");
    }
}
