namespace Allot;

/// <summary>What <see cref="PinCheck"/> has found.</summary>
public sealed record PinCheckResult
{
    /// <summary>The bytes that are locked through Allot, each page once.</summary>
    public required long LockedBytes { get; init; }

    /// <summary>The bytes that the kernel has locked for the process: VmLck.</summary>
    public required long KernelLockedBytes { get; init; }

    /// <summary>The bytes that the kernel has pinned through Allot. What only the collector does not move is not among
    /// them.</summary>
    public required long PinnedBytes { get; init; }

    /// <summary>The bytes that the kernel has pinned for the process: VmPin.</summary>
    public required long KernelPinnedBytes { get; init; }

    /// <summary>Why they differ, for people; empty when they do not.</summary>
    public required IReadOnlyList<string> Causes { get; init; }

    /// <summary>Bytes that are locked and not charged; below 0, charged and not locked.</summary>
    public long LockedDriftBytes => KernelLockedBytes - LockedBytes;

    /// <summary>Bytes that are pinned and not charged; below 0, charged and not pinned.</summary>
    public long PinnedDriftBytes => KernelPinnedBytes - PinnedBytes;

    /// <summary>Whether both are the same.</summary>
    public bool IsExact => LockedDriftBytes == 0 && PinnedDriftBytes == 0;

    /// <inheritdoc/>
    public override string ToString()
    {
        string numbers = $"locked {LockedBytes}, VmLck {KernelLockedBytes}; "
            + $"pinned {PinnedBytes}, VmPin {KernelPinnedBytes}";
        return string.Join('\n', Causes.Prepend(numbers));
    }
}
