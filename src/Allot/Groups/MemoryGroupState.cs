namespace Allot;

/// <summary>Whether a group takes charges.</summary>
public enum MemoryGroupState
{
    /// <summary>The group is in the tree and takes charges.</summary>
    Online,

    /// <summary>The group was removed: it takes no new charges, and what it still held belongs to its parent.</summary>
    Offline,

    /// <summary>The group was killed: it takes no new charges, and stays in the tree, with what it holds, until it is
    /// removed.</summary>
    Killed,
}
