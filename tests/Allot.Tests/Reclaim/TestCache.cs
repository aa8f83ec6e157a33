namespace Allot.Tests.Reclaim;

/// <summary>A cache of entries of one size, charged to a group and given back when asked: it only counts, and it does
/// what it is told to do wrong.</summary>
internal sealed class TestCache : IReclaimer, IDisposable
{
    private readonly MemoryGroup _group;
    private readonly MemoryKind _kind;
    private readonly long _entryBytes;
    private readonly Lock _lock = new();
    private readonly IDisposable? _registration;
    private long _entries;

    public TestCache(
        MemoryGroup group, long entryBytes = 1, ReclaimerOptions? options = null, MemoryKind kind = MemoryKind.User)
    {
        _group = group;
        _entryBytes = entryBytes;
        _kind = kind;
        _registration = group.Register(this, options);
    }

    public ReclaimNeeds Needs => ReclaimNeeds.None;

    public List<long> Asked { get; } = [];

    /// <summary>What it does instead, if anything; gets what it would have freed.</summary>
    public Func<MemoryGroup, long, long>? Instead { get; set; }

    public long HeldBytes
    {
        get
        {
            lock (_lock) return _entries * _entryBytes;
        }
    }

    public TestCache Fill(long bytes)
    {
        for (; HeldBytes < bytes; Insert())
        {
        }

        return this;
    }

    public void Insert()
    {
        _group.Charge(_kind, _entryBytes);   // outside of the lock: this may ask this very cache to give back
        lock (_lock) _entries++;
    }

    public long CountBytes(MemoryGroup group) => HeldBytes;

    public long Reclaim(MemoryGroup group, long targetBytes)
    {
        lock (Asked) Asked.Add(targetBytes);
        return Instead is { } instead ? instead(group, targetBytes) : Free(targetBytes);
    }

    /// <summary>Frees entries until the target is reached.</summary>
    public long Free(long targetBytes)
    {
        long entries;
        lock (_lock)
        {
            entries = Math.Min(_entries, (targetBytes + _entryBytes - 1) / _entryBytes);
            _entries -= entries;
        }

        _group.Uncharge(_kind, entries * _entryBytes);
        return entries * _entryBytes;
    }

    public void Dispose()
    {
        _registration?.Dispose();
        Free(long.MaxValue / 2);
    }
}
