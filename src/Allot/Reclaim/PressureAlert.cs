namespace Allot;

/// <summary>A pressure trigger was met: what <c>WatchPressure</c> tells.</summary>
public readonly record struct PressureAlert
{
    /// <summary>The group that is watched.</summary>
    public required MemoryGroup Group { get; init; }

    /// <summary>What was asked for.</summary>
    public required PressureTrigger Trigger { get; init; }

    /// <summary>The stall time of the trigger's kind in the last window: at least that of the trigger.</summary>
    public required TimeSpan Stalled { get; init; }

    /// <summary>All of the group's pressure at that moment.</summary>
    public required MemoryPressure Pressure { get; init; }
}
