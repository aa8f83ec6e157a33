namespace Allot;

/// <summary>A reclaimer whose memory is pinned, although nobody uses it: free buffers of a pool. Registered like any
/// other, it is also asked where a limit of pins is met.</summary>
internal interface IIdlePins : IReclaimer
{
    /// <summary>The bytes that are pinned for nothing now.</summary>
    long IdlePinBytes { get; }

    /// <summary>Lets go of some.</summary>
    /// <param name="targetBytes">How much is wanted, 1 or more.</param>
    /// <returns>The bytes that are charged no longer.</returns>
    long FreePins(long targetBytes);

    /// <summary>The group that it was registered in was removed. It is asked no more.</summary>
    void GroupRemoved();
}
