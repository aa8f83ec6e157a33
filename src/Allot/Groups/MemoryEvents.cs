namespace Allot;

/// <summary>How often something happened to a group: a snapshot, exact per value, not atomic as a whole.</summary>
/// <remarks>An event belongs to the group whose limit acted, not to the one that asked. The local view counts what this
/// group's own limits did; the hierarchical view adds all descendants.</remarks>
public readonly record struct MemoryEvents
{
    /// <summary>Times that the group was reclaimed although it was below its low protection, because nothing else was
    /// left.</summary>
    public long Low { get; init; }

    /// <summary>Times that use above the high limit was found and acted on.</summary>
    public long High { get; init; }

    /// <summary>Charges that were delayed, because reclaim did not bring use below the high limit.</summary>
    public long HighDelays { get; init; }

    /// <summary>Charges that returned before they were delayed as long as their excess asks for, because
    /// <see cref="MemoryControllerOptions.HighDelayMax"/> was over.</summary>
    public long HighDeadlines { get; init; }

    /// <summary>Charges that the group's <see cref="MemoryGroup.Memory"/> limit refused, each attempt
    /// counted.</summary>
    public long MemoryMax { get; init; }

    /// <summary>Forced charges that left memory above its limit.</summary>
    public long MemoryForced { get; init; }

    /// <summary>Charges that the group's <see cref="MemoryGroup.Kernel"/> limit refused, each attempt
    /// counted.</summary>
    public long KernelMax { get; init; }

    /// <summary>Forced charges that left kernel memory above its limit.</summary>
    public long KernelForced { get; init; }

    /// <summary>Charges that the group's <see cref="MemoryGroup.Pins"/> limit refused.</summary>
    public long PinsMax { get; init; }

    /// <summary>Forced charges that left pins above their limit.</summary>
    public long PinsForced { get; init; }

    /// <summary>Owners of pins that were collected and not disposed. Their bytes were given back; it is a mistake of
    /// the code that pins. See <c>PinLeaks</c>.</summary>
    public long PinsLeaked { get; init; }

    /// <summary>Times that a charge met the group's limit with nothing left to reclaim: the out-of-memory policy was
    /// asked, or there is none and the charge was refused.</summary>
    public long Oom { get; init; }

    /// <summary>Groups killed by the out-of-memory policy, each counted once, at itself.</summary>
    public long OomKill { get; init; }

    /// <summary>Subtrees killed as one by the out-of-memory policy, counted once at their top: see <c>KillsAsOne</c>.
    /// </summary>
    public long OomGroupKill { get; init; }

    /// <summary>Times that more was uncharged than the group held. The excess was ignored; it is a mistake of the code
    /// that charges.</summary>
    public long AccountingErrors { get; init; }

    /// <summary>Times that a reclaimer of the group threw, or claimed what the counters do not show. It was contained;
    /// it is a mistake of the reclaimer.</summary>
    public long ReclaimErrors { get; init; }

    /// <summary>Times that a <see cref="MemoryPolicy"/> attached here gave no answer; the default was done.</summary>
    public long PolicyErrors { get; init; }
}
