namespace Allot;

/// <summary>Why a charge was refused.</summary>
public enum RefusalReason
{
    /// <summary>It was not refused.</summary>
    None,

    /// <summary>The group or an ancestor has no room below its limit.</summary>
    LimitReached,

    /// <summary>There is room, but it is promised to a charge that has waited for it: see <c>ChargeAsync</c>.</summary>
    RoomPromised,

    /// <summary>The group was removed and takes no new charges.</summary>
    GroupRemoved,

    /// <summary>The group was killed, by the out-of-memory policy or by hand, and takes no new charges.</summary>
    GroupKilled,

    /// <summary>The process may not lock or pin more, whatever its groups may: <c>RLIMIT_MEMLOCK</c>.</summary>
    LockLimitReached,

    /// <summary>A <see cref="MemoryPolicy"/> charges the group that it is told about.</summary>
    InPolicy,
}
