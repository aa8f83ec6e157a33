namespace Allot;

/// <summary>The counters of locked and pinned bytes of a group: made when the first is wanted, because most groups
/// never have any.</summary>
internal sealed class PinCounters
{
    // By source, of this group and all below it. Their sum is All, once threads are quiet. Whoever charges All adds
    // here next, on every level, and takes away before All is given back.
    private readonly long[] _bySource = new long[Sources];
    private readonly PinCounters? _parent;

    /// <summary>How many sources there are.</summary>
    public const int Sources = (int)PinSource.Device + 1;

    /// <param name="parent">Those of the parent; null for the root.</param>
    /// <param name="owner">The group.</param>
    /// <param name="reserves">Of its tree.</param>
    /// <param name="maxBytes">The limit it starts with.</param>
    public PinCounters(PinCounters? parent, MemoryGroup owner, TreeReserves reserves, long maxBytes)
    {
        _parent = parent;
        All = new MemoryCounter(parent?.All, maxBytes) { Reserves = reserves, Owner = owner };
        Locked = new MemoryCounter(parent?.Locked, MemoryGroup.Unlimited);
        Pinned = new MemoryCounter(parent?.Pinned, MemoryGroup.Unlimited);
    }

    /// <summary>Both together; the one that has a limit.</summary>
    public MemoryCounter All { get; }

    public MemoryCounter Locked { get; }

    public MemoryCounter Pinned { get; }

    /// <summary>What one source holds, in the group and below it.</summary>
    public long BytesOf(PinSource source) => Math.Max(0, Interlocked.Read(ref _bySource[(int)source]));

    /// <summary>Counts for a source on every level below the end; on all when there is none.</summary>
    public void Add(PinSource source, long bytes, PinCounters? end = null)
    {
        for (PinCounters? level = this; level != end; level = level!._parent)
        {
            Interlocked.Add(ref level!._bySource[(int)source], bytes);
        }
    }

    /// <summary>The lowest counters that both count on; null when they are of different trees.</summary>
    public PinCounters? FindShared(PinCounters other)
    {
        for (PinCounters? level = this; level is not null; level = level._parent)
        {
            for (PinCounters? its = other; its is not null; its = its._parent)
            {
                if (its == level) return level;
            }
        }

        return null;
    }
}
