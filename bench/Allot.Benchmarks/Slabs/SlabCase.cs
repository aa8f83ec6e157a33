using Allot.Benchmarks.Runner;

namespace Allot.Benchmarks.Slabs;

/// <summary>What is done, and by whom: one number of the page.</summary>
internal sealed record SlabCase(HeapSubject Subject)
{
    public SlabKind Kind { get; init; } = SlabKind.Pair;

    public int Bytes { get; init; } = 64;

    public int Threads { get; init; } = 1;

    public int Depth { get; init; } = 3;

    /// <summary>Whether the threads do it one after the other.</summary>
    public bool IsInTurn { get; init; }

    /// <summary>The work of the runner; each thread has a loop of its own, but for producing and consuming.</summary>
    public Work ToWork()
    {
        HeapLoop[] loops = [.. Enumerable.Range(0, Threads).Select(_ => Subject.Make(Depth))];
        int granule = Kind == SlabKind.Batch ? HeapLoop.BatchOf(Bytes) : 1;
        return new Work(ToString(), Threads, (thread, count) =>
        {
            switch (Kind)
            {
                case SlabKind.Pair:
                    loops[thread].Pairs(count, Bytes);
                    break;
                case SlabKind.Batch:
                    loops[thread].Batches(count, Bytes);
                    break;
                default:
                    if (thread == 0) loops[0].Produce(count, Bytes);
                    else loops[0].Consume(count);
                    break;
            }
        })
        {
            Granule = granule,
            IsInTurn = IsInTurn,
            // Two threads may meet at a lock for the first time, and a lock then allocates what it waits with.
            MayAllocate = Subject.IsManaged || Threads > 1,
        };
    }

    public override string ToString() => $"{Subject.Name}, {Kind}, {Bytes} bytes, depth {Depth}, {Threads} threads{(IsInTurn ? " in turn" : "")}";
}

/// <summary>What is done.</summary>
internal enum SlabKind
{
    /// <summary>Allocate and free.</summary>
    Pair,

    /// <summary>256 allocations, then 256 frees in the same order; 16 of 64 KiB.</summary>
    Batch,

    /// <summary>One thread allocates, the other frees.</summary>
    Pass,
}
