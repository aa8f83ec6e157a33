using System.Text.Json.Serialization;

namespace Allot.Processes;

/// <summary>Where a group lived, and whether that is gone.</summary>
public sealed record CgroupFate
{
    /// <summary>1 or 2.</summary>
    [JsonPropertyName("version")] public required int Version { get; init; }

    /// <summary>The directory.</summary>
    [JsonPropertyName("path")] public required string Path { get; init; }

    /// <summary>Whether it was removed.</summary>
    [JsonPropertyName("removed")] public required bool Removed { get; init; }

    /// <summary>What could not be removed, and why; null when all was.</summary>
    [JsonPropertyName("left_behind")] public required string? LeftBehind { get; init; }
}
