namespace Allot.Benchmarks.Maps;

/// <summary>A map with all its elements, and what is done to it, each so many times.</summary>
/// <param name="name">Its name in the tables.</param>
/// <param name="keys">Its keys, in the order in which they are used.</param>
internal abstract class MapSubject(string name, long[] keys) : IDisposable
{
    private const int Threads = 2;

    // Where each thread goes on, a line of cache apart.
    private readonly int[] _next = new int[16 * (Threads + 1)];

    public string Name => name;

    /// <summary>Whether it makes garbage.</summary>
    public virtual bool Allocates => false;

    protected static long Sink { get; set; }

    /// <summary>Finds values, and reads a part of each.</summary>
    public abstract void Find(int thread, int count);

    /// <summary>Finds and copies values.</summary>
    public virtual void Copy(int thread, int count) => Find(thread, count);

    /// <summary>Replaces values.</summary>
    public abstract void Replace(int thread, int count);

    /// <summary>Removes elements, each of which is added again at once.</summary>
    public abstract void RemoveAndAdd(int thread, int count);

    public virtual void Dispose()
    {
    }

    /// <summary>The keys in the order in which they are added: not the one in which they are used, so that what is used
    /// one
    /// after the other does not lie one after the other.</summary>
    protected static IEnumerable<long> InOrder(long[] keys) => keys.Order();

    /// <summary>The next keys of a thread. Each begins elsewhere.</summary>
    protected ReadOnlySpan<long> Next(int thread, int count)
    {
        ref int next = ref _next[16 * thread];
        if (next == 0) next = keys.Length / Threads * thread;
        if (next + count > keys.Length) next = 1;
        ReadOnlySpan<long> chosen = keys.AsSpan(next, count);
        next += count;
        return chosen;
    }
}
