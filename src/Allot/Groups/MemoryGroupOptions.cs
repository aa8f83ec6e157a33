namespace Allot;

/// <summary>The limits a group starts with. Each can be changed later on the group's counters.</summary>
public sealed class MemoryGroupOptions
{
    /// <summary>Never changed.</summary>
    internal static readonly MemoryGroupOptions Default = new();

    /// <summary>The most memory, user and kernel together, in bytes; 0 or more, and not below
    /// <see cref="MinBytes"/> and <see cref="LowBytes"/>. Default: no limit.</summary>
    public long MaxBytes { get; set; } = MemoryGroup.Unlimited;

    /// <summary>Memory that is never reclaimed from the group, in bytes; 0 to <see cref="MaxBytes"/>. Default:
    /// 0.</summary>
    public long MinBytes { get; set; }

    /// <summary>Memory that is reclaimed from the group only when nothing else is left, in bytes; 0 to
    /// <see cref="MaxBytes"/>. Default: 0.</summary>
    public long LowBytes { get; set; }

    /// <summary>The soft limit of memory in bytes; 0 or more. Above it charges reclaim and are delayed, and never
    /// refused. Default: no limit.</summary>
    public long HighBytes { get; set; } = MemoryGroup.Unlimited;

    /// <summary>The most kernel memory, a part of all memory, in bytes; 0 or more. Default: no limit.</summary>
    /// <remarks>Below <see cref="MaxBytes"/> it bounds a part of the budget; at or above it, it never acts by
    /// itself.</remarks>
    public long KernelMaxBytes { get; set; } = MemoryGroup.Unlimited;

    /// <summary>The most locked and pinned memory together, in bytes; 0 or more. Default: no limit.</summary>
    public long PinsMaxBytes { get; set; } = MemoryGroup.Unlimited;

    /// <summary>Whether the out-of-memory policy kills the group and everything below it as one. Default: false.
    /// </summary>
    public bool KillsAsOne { get; set; }

    /// <summary>Who is to be killed first, for the out-of-memory policy that goes by it: the highest. Default: null,
    /// that of the group above.</summary>
    public int? OutOfMemoryPriority { get; set; }

    internal bool HasLife => KillsAsOne || OutOfMemoryPriority is not null;

    internal bool HasPolicy => MinBytes != 0 || LowBytes != 0;

    /// <summary>Throws unless a group of that name can have these limits.</summary>
    internal void Validate(MemoryGroup? parent, string name)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(MaxBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(KernelMaxBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(PinsMaxBytes);
        ArgumentOutOfRangeException.ThrowIfNegative(HighBytes);
        if (KernelMaxBytes != MemoryGroup.Unlimited) KernelAccountingSwitch.ThrowIfOff();
        ProtectionBound.Validate(this, parent, name);
    }
}
