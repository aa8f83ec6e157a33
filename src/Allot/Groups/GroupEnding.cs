namespace Allot;

/// <summary>Why and when a group was killed. The same one for all groups that were killed together.</summary>
/// <param name="Reason">What the killer said.</param>
/// <param name="By">Who it was, for people: it stands after "killed by".</param>
/// <param name="TopPath">The path, at that time, of the group that was killed with everything below it.</param>
/// <param name="Time">The clock of the tree.</param>
internal sealed record GroupEnding(string Reason, string By, string TopPath, TimeProvider Time)
{
    private readonly long _timestamp = Time.GetTimestamp();

    /// <summary>How long ago, by the clock of the tree.</summary>
    public TimeSpan Age => Time.GetElapsedTime(_timestamp);

    /// <summary>What happened to a group, to follow "the group was ".</summary>
    public string Explain(string path) =>
        path == TopPath ? $"killed by {By}: {Reason}" : $"killed with '{TopPath}' by {By}: {Reason}";
}
