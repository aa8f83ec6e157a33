namespace Allot;

/// <summary>A charge that a limit has refused, with nothing left to reclaim.</summary>
internal readonly record struct Shortage(MemoryGroup Limiter, CounterKind Kind, MemoryGroup Requester, long Bytes)
{
    /// <summary>The counter that is short.</summary>
    public MemoryCounter Counter => Limiter.Counter(Kind);

    /// <summary>What a group holds of what is short. Makes no counter for that.</summary>
    public long BytesOf(MemoryGroup group) => group.CurrentBytesOf(Kind);
}
