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
