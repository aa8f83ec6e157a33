namespace Allot;

/// <summary>The limits a group starts with. Each can be changed later on the group's counters.</summary>
public sealed class MemoryGroupOptions
{
    /// <summary>The most memory, user and kernel together, in bytes; 0 or more. Default: no limit.</summary>
    public long MaxBytes { get; set; } = MemoryGroup.Unlimited;

    /// <summary>The most kernel memory, a part of all memory, in bytes; 0 or more. Default: no limit.</summary>
    /// <remarks>Below <see cref="MaxBytes"/> it bounds a part of the budget; at or above it, it never acts by
    /// itself.</remarks>
    public long KernelMaxBytes { get; set; } = MemoryGroup.Unlimited;

    /// <summary>The most locked and pinned memory together, in bytes; 0 or more. Default: no limit.</summary>
    public long PinsMaxBytes { get; set; } = MemoryGroup.Unlimited;

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegative(MaxBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(KernelMaxBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(PinsMaxBytes);
    }
}
