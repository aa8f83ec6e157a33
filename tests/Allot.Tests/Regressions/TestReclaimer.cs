namespace Allot.Tests.Regressions;

/// <summary>A reclaimer made of two functions.</summary>
internal sealed class TestReclaimer : IReclaimer, IDisposable
{
    private readonly Func<long> _count;
    private readonly Func<long, long> _reclaim;
    private readonly IDisposable _registration;
    private int _asked;

    public TestReclaimer(MemoryGroup group, Func<long> count, Func<long, long> reclaim)
    {
        _count = count;
        _reclaim = reclaim;
        _registration = group.Register(this);
    }

    public ReclaimNeeds Needs => ReclaimNeeds.None;

    public int Asked => Volatile.Read(ref _asked);

    public long CountBytes(MemoryGroup group) => _count();

    public long Reclaim(MemoryGroup group, long targetBytes)
    {
        Interlocked.Increment(ref _asked);
        return _reclaim(targetBytes);
    }

    public void Dispose() => _registration.Dispose();
}
