namespace Allot;

/// <summary>Where a <see cref="MemoryPolicy"/> is asked or told.</summary>
public enum PolicyPoint
{
    /// <summary>A limit is met, and nothing could be reclaimed.</summary>
    OutOfMemory = 1,

    /// <summary>A charge stands.</summary>
    Charged = 2,

    /// <summary>Bytes are about to go back.</summary>
    Uncharged = 3,

    /// <summary>A charge has left a group above its high limit.</summary>
    OverHigh = 4,

    /// <summary>Reclaim is about to take from a group: is it to be left alone as if below its low protection?</summary>
    BelowLow = 5,

    /// <summary>The same as if below its min protection.</summary>
    BelowMin = 6,

    /// <summary>A group was created.</summary>
    GroupCreated = 7,

    /// <summary>A group was removed.</summary>
    GroupRemoved = 8,
}
