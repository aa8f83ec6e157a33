namespace Allot.Maps;

/// <summary>A map whose elements packets can be redirected to.</summary>
internal interface IRedirectMap
{
    /// <summary>Whether a packet may go to all elements at once.</summary>
    bool CanBroadcast { get; }

    /// <summary>Where a packet for this key goes; null if nowhere.</summary>
    IPacketSink? Target(uint key);

    /// <summary>Sends a packet to all elements but one.</summary>
    /// <returns>The number of elements that took it.</returns>
    int Broadcast(ReadOnlySpan<byte> packet, uint exceptNumber);
}
