namespace Allot;

/// <summary>What a reclaimer needs from the context it is called in. Where the context forbids it, it is not
/// called.</summary>
[Flags]
public enum ReclaimNeeds
{
    /// <summary>Nothing: it can be called anywhere.</summary>
    None = 0,

    /// <summary>It does input or output.</summary>
    Io = 1,

    /// <summary>It enters the file system, or whatever else takes the locks of one.</summary>
    FileSystem = 2,

    /// <summary>It may block: it waits for locks, threads or devices.</summary>
    Blocking = 4,
}
