namespace Allot.Processes.Supervision;

/// <summary>What a supervisor saw and did.</summary>
internal sealed class SupervisionReport
{
    /// <summary>The largest reading of kernel memory; null when it cannot be read.</summary>
    public required long? KernelPeakBytes { get; init; }

    /// <summary>The last reading.</summary>
    public required long? KernelBytes { get; init; }

    public required long KernelRefusals { get; init; }

    public required long KernelReadings { get; init; }

    /// <summary>The parts of kernel memory when it was largest, as far as the kernel tells.</summary>
    public required IReadOnlyList<(string Kind, long Bytes)> KernelByKind { get; init; }

    public required long PinBytes { get; init; }

    public required long PinPeakBytes { get; init; }

    public required long LockedPeakBytes { get; init; }

    public required long PinnedPeakBytes { get; init; }

    public required long PinRefusals { get; init; }

    public required IReadOnlyList<(string Call, int Errno, long Count)> Refusals { get; init; }

    public required long Notifications { get; init; }

    public required double MedianMicroseconds { get; init; }

    public required double NinetyNinthMicroseconds { get; init; }
}
