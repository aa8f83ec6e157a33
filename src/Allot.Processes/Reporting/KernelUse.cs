using System.Text.Json.Serialization;

namespace Allot.Processes;

/// <summary>Use of kernel memory.</summary>
public sealed record KernelUse
{
    /// <summary>The limit; null for none.</summary>
    [JsonPropertyName("max_bytes")] public required long? MaxBytes { get; init; }

    /// <summary>The most in use: the kernel's own peak where it keeps one (cgroup v1), else the largest
    /// reading.</summary>
    [JsonPropertyName("peak_bytes")] public required long? PeakBytes { get; init; }

    /// <summary>In use at the end, after the last process was gone.</summary>
    [JsonPropertyName("current_bytes")] public required long? CurrentBytes { get; init; }

    /// <summary>Calls refused because of this limit.</summary>
    [JsonPropertyName("refused")] public required long Refused { get; init; }

    /// <summary>The parts of it when it was largest, by the kernel's names, as far as the kernel tells.</summary>
    [JsonPropertyName("by_kind")] public required IReadOnlyDictionary<string, long> ByKind { get; init; }

    /// <summary>How often the kernel was asked.</summary>
    [JsonPropertyName("readings")] public required long Readings { get; init; }
}
