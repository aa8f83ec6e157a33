namespace Allot;

/// <summary>The counters of locked and pinned bytes of a group: made when the first is wanted, because most groups
/// never have any.</summary>
internal sealed class PinCounters
{
    private readonly PinCounters? _parent;

    // Null or not empty. Replaced as a whole.
    private Action[]? _watchers;

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

    /// <summary>Has a watcher told of refusals at this level and below.</summary>
    public void Watch(Action watcher) => ReplaceWatchers(watchers => [.. watchers ?? [], watcher]);

    /// <summary>Ends that.</summary>
    public void Unwatch(Action watcher) => ReplaceWatchers(watchers =>
    {
        Action[] rest = Array.FindAll(watchers ?? [], other => other != watcher);
        return rest.Length == 0 ? null : rest;
    });

    /// <summary>The limit of this level has refused: tells who watches here and above.</summary>
    public void NoteRefusal()
    {
        for (PinCounters? level = this; level is not null; level = level._parent)
        {
            foreach (Action watcher in Volatile.Read(ref level._watchers) ?? []) watcher();
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

    private void ReplaceWatchers(Func<Action[]?, Action[]?> change)
    {
        Action[]? seen = Volatile.Read(ref _watchers);
        while (true)
        {
            Action[]? before = Interlocked.CompareExchange(ref _watchers, change(seen), seen);
            if (before == seen) return;
            seen = before;
        }
    }
}
