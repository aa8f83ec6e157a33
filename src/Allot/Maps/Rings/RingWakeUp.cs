namespace Allot.Maps;

/// <summary>Whether the other side is woken for a record, with the numbers of Linux.</summary>
public enum RingWakeUp
{
    /// <summary>When it may be waiting for this very record.</summary>
    WhenAwaited = 0,

    /// <summary>Not for this record. Whoever waits waits on.</summary>
    Never = 1,

    /// <summary>In any case.</summary>
    Always = 2,
}
