namespace Allot.Benchmarks.Runner;

/// <summary>Something that is done over and over inside this process, and measured.</summary>
/// <param name="Name">What it is called in a message.</param>
/// <param name="Threads">How many threads do it at the same time.</param>
/// <param name="Run">Does it a number of times, on the thread with an index.</param>
internal sealed record Work(string Name, int Threads, Action<int, int> Run)
{
    /// <summary>The number of times is a multiple of this.</summary>
    public int Granule { get; init; } = 1;

    /// <summary>How long one measurement takes, about. What touches more memory than the caches hold needs longer than
    /// it takes to bring back what it touches again and again.</summary>
    public double ChunkNanoseconds { get; init; } = 250_000;

    /// <summary>Whether its threads do it one after the other, each while the others do <see cref="Registers"/>: the
    /// slowest counts, as it does where all work at the same time.</summary>
    public bool IsInTurn { get; init; }

    /// <summary>Whether its chunks are not checked to allocate nothing.</summary>
    public bool MayAllocate { get; init; }
}
