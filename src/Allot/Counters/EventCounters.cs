// Exact counts of rare things. A group has one of these only once something happened to it or below it, so that a
// million quiet groups carry a null each.

namespace Allot;

internal enum EventKind
{
    MemoryMax,
    MemoryForced,
    KernelMax,
    KernelForced,
    PinsMax,
    PinsForced,
    AccountingErrors,
    Low,
    High,
    HighDelays,
    HighDeadlines,
    Oom,
    OomKill,
    OomGroupKill,
    ReclaimErrors,
    PinsLeaked,
    PolicyErrors,
}

internal sealed class EventCounters
{
    private const int Kinds = (int)EventKind.PolicyErrors + 1;

    // _total[kind] == _local[kind] + the _total[kind] of all children there ever were, once counting threads are quiet.
    private readonly long[] _local = new long[Kinds];
    private readonly long[] _total = new long[Kinds];

    /// <summary>Counts, and returns how often it has happened here.</summary>
    public long CountLocal(EventKind kind) => Interlocked.Increment(ref _local[(int)kind]);

    public void CountTotal(EventKind kind) => Interlocked.Increment(ref _total[(int)kind]);

    public long Local(EventKind kind) => Interlocked.Read(ref _local[(int)kind]);

    public long Total(EventKind kind) => Interlocked.Read(ref _total[(int)kind]);
}
