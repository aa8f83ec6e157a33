namespace Allot.Stress;

/// <summary>Entries of any size, charged to a group, oldest out first. Charges outside of its lock, because a charge may
/// ask it to give back.</summary>
internal sealed class StressCache : IReclaimer, IDisposable
{
    private readonly Queue<int> _entries = new();
    private readonly IDisposable _registration;
    private long _heldBytes;
    private bool _disposed;

    public StressCache(MemoryGroup group)
    {
        Group = group;
        _registration = group.Register(this);
    }

    public MemoryGroup Group { get; }

    public ReclaimNeeds Needs => ReclaimNeeds.None;

    public bool TryInsert(int bytes)
    {
        try
        {
            Group.Charge(MemoryKind.User, bytes);
        }
        catch (MemoryLimitExceededException)
        {
            return false;
        }

        lock (_entries)
        {
            if (!_disposed)
            {
                _entries.Enqueue(bytes);
                _heldBytes += bytes;
                return true;
            }
        }

        Group.Uncharge(MemoryKind.User, bytes);
        return false;
    }

    public long CountBytes(MemoryGroup group)
    {
        lock (_entries) return _heldBytes;
    }

    public long Reclaim(MemoryGroup group, long targetBytes)
    {
        long freed = 0;
        lock (_entries)
        {
            while (freed < targetBytes && _entries.TryDequeue(out int bytes)) freed += bytes;
            _heldBytes -= freed;
        }

        Group.Uncharge(MemoryKind.User, freed);
        return freed;
    }

    public void Dispose()
    {
        _registration.Dispose();
        lock (_entries) _disposed = true;
        Reclaim(Group, long.MaxValue);
    }
}
