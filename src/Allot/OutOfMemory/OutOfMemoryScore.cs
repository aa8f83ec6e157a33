namespace Allot;

/// <summary>A candidate as recorded with a decision.</summary>
/// <param name="Path">The path of the group at that time.</param>
/// <param name="Bytes">Bytes charged to the group itself.</param>
/// <param name="TotalBytes">Bytes of the group and all groups below it.</param>
/// <param name="Priority">Its effective priority.</param>
/// <param name="Score">How the policy rated it.</param>
public readonly record struct OutOfMemoryScore(string Path, long Bytes, long TotalBytes, int Priority, long Score);
