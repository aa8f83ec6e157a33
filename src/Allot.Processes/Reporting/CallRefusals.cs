using System.Text.Json.Serialization;

namespace Allot.Processes;

/// <summary>One call and error, and how often.</summary>
public sealed record CallRefusals
{
    /// <summary>The system call.</summary>
    [JsonPropertyName("call")] public required string Call { get; init; }

    /// <summary>The error's symbol, such as <c>ENOMEM</c>.</summary>
    [JsonPropertyName("errno")] public required string Errno { get; init; }

    /// <summary>How often.</summary>
    [JsonPropertyName("count")] public required long Count { get; init; }
}
