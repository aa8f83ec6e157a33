namespace Allot.Tests.Scopes;

/// <summary>A reclaimer that holds charged bytes, needs something, and does something when it is called.</summary>
internal sealed class NeedyReclaimer : IReclaimer
{
    private long _bytes;

    public NeedyReclaimer(MemoryGroup group, long bytes, ReclaimNeeds needs = ReclaimNeeds.None)
    {
        Needs = needs;
        group.Charge(MemoryKind.User, bytes);
        _bytes = bytes;
        group.Register(this);
    }

    public ReclaimNeeds Needs { get; }

    public int Calls { get; private set; }

    public Action? WhenCalled { get; set; }

    public long CountBytes(MemoryGroup group) => _bytes;

    public long Reclaim(MemoryGroup group, long targetBytes)
    {
        Calls++;
        WhenCalled?.Invoke();
        long freed = Math.Min(targetBytes, _bytes);
        _bytes -= freed;
        group.Uncharge(MemoryKind.User, freed);
        return freed;
    }
}
