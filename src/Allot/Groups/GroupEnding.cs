using System.Diagnostics;

namespace Allot;

/// <summary>Why and when a group was killed. The same one for all groups that were killed together.</summary>
/// <param name="Reason">What the killer said.</param>
/// <param name="By">Who it was, for people: it stands after "killed by".</param>
/// <param name="TopPath">The path, at that time, of the group that was killed with everything below it.</param>
internal sealed record GroupEnding(string Reason, string By, string TopPath)
{
    private readonly long _timestamp = Stopwatch.GetTimestamp();

    /// <summary>How long ago.</summary>
    public TimeSpan Age => Stopwatch.GetElapsedTime(_timestamp);

    /// <summary>What happened to a group, to follow "the group was ".</summary>
    public string Explain(string path) =>
        path == TopPath ? $"killed by {By}: {Reason}" : $"killed with '{TopPath}' by {By}: {Reason}";
}
