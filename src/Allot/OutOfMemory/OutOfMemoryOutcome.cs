namespace Allot;

/// <summary>How an out-of-memory decision has ended.</summary>
public enum OutOfMemoryOutcome
{
    /// <summary>Nobody is killed; the charge is refused.</summary>
    Refused,

    /// <summary>A group is killed, with everything below it.</summary>
    Killed,

    /// <summary>Only in a preview: a group that was killed already still has time to let go, and is waited for before
    /// anybody else is chosen.</summary>
    WaitsForKilled,
}
