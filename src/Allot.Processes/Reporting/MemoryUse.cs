using System.Text.Json.Serialization;

namespace Allot.Processes;

/// <summary>Use of all memory.</summary>
public sealed record MemoryUse
{
    /// <summary>The limit; null for none.</summary>
    [JsonPropertyName("max_bytes")] public required long? MaxBytes { get; init; }

    /// <summary>The most in use, as the kernel counted; null where it does not tell.</summary>
    [JsonPropertyName("peak_bytes")] public required long? PeakBytes { get; init; }

    /// <summary>In use at the end, after the last process was gone: caches, mostly.</summary>
    [JsonPropertyName("current_bytes")] public required long? CurrentBytes { get; init; }

    /// <summary>How often the kernel could not make room below the limit and ended a process or refused.</summary>
    [JsonPropertyName("refused")] public required long Refused { get; init; }

    /// <summary>Processes that the kernel's out-of-memory killer ended in the group.</summary>
    [JsonPropertyName("oom_kills")] public required long OomKills { get; init; }
}
