namespace Allot.Maps;

/// <summary>What can be asked of a ring, with the numbers of Linux.</summary>
public enum RingQuery
{
    /// <summary>The bytes that were reserved and not consumed yet, headers included.</summary>
    AvailableBytes = 0,

    /// <summary>The bytes of the ring.</summary>
    SizeBytes = 1,

    /// <summary>The bytes that were consumed since the beginning.</summary>
    ConsumerPosition = 2,

    /// <summary>The bytes that were reserved since the beginning.</summary>
    ProducerPosition = 3,
}
