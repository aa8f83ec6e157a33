namespace Allot.Benchmarks.Maps.Lru;

/// <summary>A cache that is used as caches are: a value is looked up, and added if it is not there.</summary>
/// <param name="name">Its name in the tables.</param>
/// <param name="keys">Which keys are wanted, in their order.</param>
internal abstract class LruSubject(string name, int[] keys) : IDisposable
{
    private const int Threads = 2;

    // Where each thread goes on, a line of cache apart.
    private readonly int[] _next = new int[16 * (Threads + 1)];
    private long _wanted;
    private long _found;

    public string Name => name;

    /// <summary>Whether it makes garbage.</summary>
    public virtual bool Allocates => false;

    /// <summary>The share of what was wanted that was there.</summary>
    public double HitRate => (double)Volatile.Read(ref _found) / Math.Max(1, Volatile.Read(ref _wanted));

    protected static long Sink { get; set; }

    /// <summary>Wants so many values.</summary>
    public void Run(int thread, int count)
    {
        ref int next = ref _next[16 * thread];
        if (next == 0) next = keys.Length / Threads * thread;
        if (next + count > keys.Length) next = 1;
        int found = Want(keys.AsSpan(next, count));
        next += count;
        Interlocked.Add(ref _wanted, count);
        Interlocked.Add(ref _found, found);
    }

    /// <summary>What is wanted only once is not counted: the cache is empty at first.</summary>
    public void Fill()
    {
        for (int at = 1; at + 1000 <= keys.Length; at += 1000) _ = Want(keys.AsSpan(at, 1000));
    }

    public virtual void Dispose()
    {
    }

    /// <summary>Looks up, and adds what is not there.</summary>
    /// <returns>How many were there.</returns>
    protected abstract int Want(ReadOnlySpan<int> keys);
}
