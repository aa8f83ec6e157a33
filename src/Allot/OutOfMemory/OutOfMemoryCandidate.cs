namespace Allot;

/// <summary>A group that could be killed to make room.</summary>
/// <remarks>The numbers are a snapshot of the counter whose limit was met.</remarks>
public sealed class OutOfMemoryCandidate
{
    internal OutOfMemoryCandidate(MemoryGroup group, long bytes, long totalBytes, int priority)
    {
        Group = group;
        Bytes = bytes;
        TotalBytes = totalBytes;
        Priority = priority;
        Score = bytes;
    }

    /// <summary>The group.</summary>
    public MemoryGroup Group { get; }

    /// <summary>Bytes charged to the group itself, without the groups below it; 0 for one that only holds
    /// others.</summary>
    public long Bytes { get; }

    /// <summary>Bytes of the group and all groups below it.</summary>
    public long TotalBytes { get; }

    /// <summary>Its effective priority: see <c>OutOfMemoryPriority</c>.</summary>
    public int Priority { get; }

    /// <summary>How the policy rates it, for the record; the highest is listed first. Default: <see cref="Bytes"/>.
    /// </summary>
    public long Score { get; set; }
}
