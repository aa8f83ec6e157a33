namespace Allot.Maps;

internal static class PacketSending
{
    /// <summary>Sends to a device, unless there is none or it has this number.</summary>
    /// <returns>1 when it took the packet, otherwise 0.</returns>
    public static int SendUnless(IPacketSink? device, ReadOnlySpan<byte> packet, uint exceptNumber) =>
        device is not null && MapHandles.Of(device) != exceptNumber && device.TrySend(packet) ? 1 : 0;
}
