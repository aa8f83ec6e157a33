namespace Allot;

/// <summary>A charge that a limit has refused, with nothing left to reclaim.</summary>
internal readonly record struct Shortage(MemoryGroup Limiter, CounterKind Kind, MemoryGroup Requester, long Bytes)
{
    /// <summary>The counter that is short.</summary>
    public MemoryCounter Counter => CounterOf(Limiter);

    public MemoryCounter CounterOf(MemoryGroup group) => Kind == CounterKind.Kernel ? group.Kernel : group.Memory;
}
