using System.Text.Json.Serialization;

namespace Allot.Processes;

/// <summary>The intercepted calls: how many, and how long the supervisor took for its answer.</summary>
public sealed record NotificationTimes
{
    /// <summary>How many calls were intercepted.</summary>
    [JsonPropertyName("count")] public required long Count { get; init; }

    /// <summary>Half of the answers took at most this, in microseconds; 0 when there was none.</summary>
    [JsonPropertyName("p50_us")] public required double MedianMicroseconds { get; init; }

    /// <summary>99 of 100 answers took at most this, in microseconds; 0 when there was none.</summary>
    [JsonPropertyName("p99_us")] public required double NinetyNinthMicroseconds { get; init; }
}
