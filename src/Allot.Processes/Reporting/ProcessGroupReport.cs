// What a run tells at its end. The JSON keys are stable and documented in docs/reference/report.md; a test compares.

using System.Text.Json;
using System.Text.Json.Serialization;

namespace Allot.Processes;

/// <summary>What a group of processes used, what was refused, and how it ended. Amounts are bytes.</summary>
public sealed record ProcessGroupReport
{
    /// <summary>The group's name.</summary>
    [JsonPropertyName("group")] public required string Group { get; init; }

    /// <summary>The command and its arguments.</summary>
    [JsonPropertyName("command")] public required IReadOnlyList<string> Command { get; init; }

    /// <summary>The command's exit code; 128 plus the signal when one ended it.</summary>
    [JsonPropertyName("exit_code")] public required int ExitCode { get; init; }

    /// <summary>The signal that ended the command; null when it exited by itself.</summary>
    [JsonPropertyName("signal")] public required int? Signal { get; init; }

    /// <summary>From the start of the command to its end, in milliseconds.</summary>
    [JsonPropertyName("duration_ms")] public required double DurationMilliseconds { get; init; }

    /// <summary>All memory of the cgroup.</summary>
    [JsonPropertyName("memory")] public required MemoryUse Memory { get; init; }

    /// <summary>Kernel memory of the cgroup.</summary>
    [JsonPropertyName("kernel")] public required KernelUse Kernel { get; init; }

    /// <summary>Locked and pinned memory.</summary>
    [JsonPropertyName("pins")] public required PinUse Pins { get; init; }

    /// <summary>The refused calls, most frequent first.</summary>
    [JsonPropertyName("refusals")] public required IReadOnlyList<CallRefusals> Refusals { get; init; }

    /// <summary>The intercepted calls.</summary>
    [JsonPropertyName("notifications")] public required NotificationTimes Notifications { get; init; }

    /// <summary>Where the group lived; null without a cgroup.</summary>
    [JsonPropertyName("cgroup")] public required CgroupFate? Cgroup { get; init; }

    /// <summary>Members that outlived the command and were ended.</summary>
    [JsonPropertyName("leftover_processes")] public required int LeftoverProcesses { get; init; }

    /// <summary>The report as JSON, indented, with a line feed at the end.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, ReportJson.Default.ProcessGroupReport) + "\n";

    /// <summary>The report for people, several lines.</summary>
    public string ToText() => ReportText.Format(this);
}

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

/// <summary>Use of kernel memory.</summary>
public sealed record KernelUse
{
    /// <summary>The limit; null for none.</summary>
    [JsonPropertyName("max_bytes")] public required long? MaxBytes { get; init; }

    /// <summary>The most in use: the kernel's own peak where it keeps one (cgroup v1), else the largest reading.</summary>
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

[JsonSourceGenerationOptions(WriteIndented = true)]
[JsonSerializable(typeof(ProcessGroupReport))]
internal sealed partial class ReportJson : JsonSerializerContext;
