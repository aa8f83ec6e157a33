using System.Text.Json.Serialization;

namespace Allot.Processes;

/// <summary>Use of locked and pinned memory.</summary>
public sealed record PinUse
{
    /// <summary>The limit; null for none.</summary>
    [JsonPropertyName("max_bytes")] public required long? MaxBytes { get; init; }

    /// <summary>The most locked and pinned at once.</summary>
    [JsonPropertyName("peak_bytes")] public required long PeakBytes { get; init; }

    /// <summary>Still held at the end, after the last process was gone: locked segments.</summary>
    [JsonPropertyName("current_bytes")] public required long CurrentBytes { get; init; }

    /// <summary>Calls refused because of this limit.</summary>
    [JsonPropertyName("refused")] public required long Refused { get; init; }

    /// <summary>The most locked at once.</summary>
    [JsonPropertyName("locked_peak_bytes")] public required long LockedPeakBytes { get; init; }

    /// <summary>The most pinned at once.</summary>
    [JsonPropertyName("pinned_peak_bytes")] public required long PinnedPeakBytes { get; init; }
}
