// What happened to a group, and what it holds: counted, and read as snapshots.

using System.Diagnostics;

namespace Allot;

public sealed partial class MemoryGroup
{
    /// <summary>What happened to this group and its descendants.</summary>
    public MemoryEvents ReadEvents() => Read(static (events, kind) => events.Total(kind));

    /// <summary>What this group's own limits did.</summary>
    public MemoryEvents ReadLocalEvents() => Read(static (events, kind) => events.Local(kind));

    /// <summary>What the group and its descendants hold, by sort; zero once it was removed.</summary>
    public MemoryStat ReadStat()
    {
        long kernel = KernelIfAny?.CurrentBytes ?? 0;
        return new MemoryStat(
            UserBytes: Math.Max(0, Memory.CurrentBytes - kernel),
            KernelBytes: kernel,
            LockedBytes: PinsIfAny?.Locked.CurrentBytes ?? 0,
            PinnedBytes: PinsIfAny?.Pinned.CurrentBytes ?? 0);
    }

    /// <summary>Counts an event here, and in the hierarchical view of every ancestor.</summary>
    /// <returns>How often it has happened here.</returns>
    internal long Count(EventKind kind)
    {
        long local = Events().CountLocal(kind);
        Debug.Assert(local > 0, "An event that was counted has happened.");
        for (MemoryGroup? group = this; group is not null; group = group.Parent) group.Events().CountTotal(kind);
        return local;
    }

    /// <summary>Counts that more was uncharged than the group held, and reports the first time.</summary>
    internal void ReportAccountingError(long bytes, long missing)
    {
        Debug.Assert(missing > 0, "Only what is missing is reported.");
        if (Count(EventKind.AccountingErrors) == 1)
        {
            TraceReport.Error(
                $"{bytes} bytes were uncharged from '{Path}', {missing} more than it held. The "
                + "excess was ignored. Further cases in this group are only counted (AccountingErrors).");
        }
    }

    private EventCounters Events() =>
        Volatile.Read(ref _events) ?? Interlocked.CompareExchange(ref _events, new EventCounters(), null) ?? _events;

    private MemoryEvents Read(Func<EventCounters, EventKind, long> read)
    {
        if (Volatile.Read(ref _events) is not { } events) return default;
        return new MemoryEvents
        {
            Low = read(events, EventKind.Low),
            High = read(events, EventKind.High),
            HighDelays = read(events, EventKind.HighDelays),
            HighDeadlines = read(events, EventKind.HighDeadlines),
            MemoryMax = read(events, EventKind.MemoryMax),
            MemoryForced = read(events, EventKind.MemoryForced),
            KernelMax = read(events, EventKind.KernelMax),
            KernelForced = read(events, EventKind.KernelForced),
            PinsMax = read(events, EventKind.PinsMax),
            PinsForced = read(events, EventKind.PinsForced),
            PinsLeaked = read(events, EventKind.PinsLeaked),
            Oom = read(events, EventKind.Oom),
            OomKill = read(events, EventKind.OomKill),
            OomGroupKill = read(events, EventKind.OomGroupKill),
            AccountingErrors = read(events, EventKind.AccountingErrors),
            ReclaimErrors = read(events, EventKind.ReclaimErrors),
            PolicyErrors = read(events, EventKind.PolicyErrors),
        };
    }
}
