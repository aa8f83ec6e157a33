using System.Text;

namespace Allot;

/// <summary>One out-of-memory decision, or the preview of one: who asked, who could be chosen, who was, and why.
/// </summary>
/// <remarks>Groups are named by their paths at that time, so that a record keeps no removed group alive.</remarks>
public sealed class OutOfMemoryDecision
{
    internal OutOfMemoryDecision()
    {
    }

    /// <summary>When.</summary>
    public required DateTimeOffset Time { get; init; }

    /// <summary>Whether nothing was done: see <c>PreviewOutOfMemory</c>.</summary>
    public required bool IsPreview { get; init; }

    /// <summary>The group whose limit was met.</summary>
    public required string LimiterPath { get; init; }

    /// <summary>Which of its counters.</summary>
    public required CounterKind Counter { get; init; }

    /// <summary>The group that was charged; in a preview the limiter.</summary>
    public required string RequesterPath { get; init; }

    /// <summary>The bytes of the charge; 0 in a preview.</summary>
    public required long RequestedBytes { get; init; }

    /// <summary>The bytes the limiter had in use.</summary>
    public required long CurrentBytes { get; init; }

    /// <summary>The limiter's limit in bytes.</summary>
    public required long MaxBytes { get; init; }

    /// <summary>What was decided.</summary>
    public required OutOfMemoryOutcome Outcome { get; init; }

    /// <summary>The group that the policy chose; null when it chose none.</summary>
    public string? VictimPath { get; init; }

    /// <summary>The top of what was killed: the victim, or the highest group from there up to the limiter that is
    /// killed as one. Null when nobody was.</summary>
    public string? KilledPath { get; init; }

    /// <summary>How many groups were killed; in a preview 0.</summary>
    public int KilledCount { get; init; }

    /// <summary>Why, in words.</summary>
    public required string Reason { get; init; }

    /// <summary>What was wrong with the policy; null when nothing was.</summary>
    public string? Fault { get; init; }

    /// <summary>The candidates with the highest scores, the highest first; the victim is always among them.</summary>
    public required IReadOnlyList<OutOfMemoryScore> Candidates { get; init; }

    /// <summary>How many candidates there were.</summary>
    public required int CandidateCount { get; init; }

    /// <summary>One line for people.</summary>
    public override string ToString()
    {
        var text = new StringBuilder(IsPreview ? "Out of memory (preview) at " : "Out of memory at ");
        text.Append($"'{LimiterPath}' ({Counter}: {CurrentBytes} of {MaxBytes} bytes)");
        if (!IsPreview) text.Append($", charging {RequestedBytes} bytes to '{RequesterPath}'");
        text.Append(": ").Append(Outcome switch
        {
            OutOfMemoryOutcome.Killed when KilledPath == VictimPath => $"kill '{KilledPath}'",
            OutOfMemoryOutcome.Killed => $"kill '{KilledPath}' for '{VictimPath}'",
            OutOfMemoryOutcome.WaitsForKilled => "wait",
            _ => "refuse",
        });
        text.Append($", because {Reason}.");
        if (Fault is not null) text.Append($" The policy is at fault: {Fault}.");
        if (Candidates.Count > 0)
        {
            text.Append($" Of {CandidateCount} candidates, by score: ");
            text.AppendJoin(", ", Candidates.Select(static candidate => $"'{candidate.Path}' {candidate.Score}"));
            text.Append('.');
        }

        return text.ToString();
    }
}
