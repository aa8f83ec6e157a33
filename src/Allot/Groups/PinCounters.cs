namespace Allot;

/// <summary>The counters of locked and pinned bytes of a group: made when the first is wanted, because most groups
/// never have any.</summary>
internal sealed class PinCounters
{
    /// <param name="parent">Those of the parent; null for the root.</param>
    /// <param name="owner">The group.</param>
    /// <param name="reserves">Of its tree.</param>
    /// <param name="maxBytes">The limit it starts with.</param>
    public PinCounters(PinCounters? parent, MemoryGroup owner, TreeReserves reserves, long maxBytes)
    {
        All = new MemoryCounter(parent?.All, maxBytes) { Reserves = reserves, Owner = owner };
        Locked = new MemoryCounter(parent?.Locked, MemoryGroup.Unlimited);
        Pinned = new MemoryCounter(parent?.Pinned, MemoryGroup.Unlimited);
    }

    /// <summary>Both together; the one that has a limit.</summary>
    public MemoryCounter All { get; }

    public MemoryCounter Locked { get; }

    public MemoryCounter Pinned { get; }
}
