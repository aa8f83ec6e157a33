namespace Allot;

/// <summary>A charge that a limit has refused, with nothing left to reclaim.</summary>
internal readonly record struct Shortage(MemoryGroup Limiter, CounterKind Kind, MemoryGroup Requester, long Bytes)
{
    /// <summary>The counter that is short.</summary>
    public MemoryCounter Counter => Kind == CounterKind.Kernel ? Limiter.Kernel : Limiter.Memory;

    /// <summary>What a group holds of what is short. Makes no counter for that.</summary>
    public long BytesOf(MemoryGroup group) =>
        (Kind == CounterKind.Kernel ? group.KernelIfAny : group.Memory)?.CurrentBytes ?? 0;
}
