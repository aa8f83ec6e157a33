namespace Allot.Maps;

/// <summary>Where packets can be redirected to: what takes the place of a network device.</summary>
public interface IPacketSink
{
    /// <summary>Takes a packet, at once or not at all. It is called on the thread of the program.</summary>
    /// <param name="packet">The bytes, until this returns.</param>
    /// <returns>False when the packet is dropped.</returns>
    bool TrySend(ReadOnlySpan<byte> packet);
}
