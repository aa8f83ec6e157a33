namespace Allot.Maps;

/// <summary>Works on a packet.</summary>
/// <param name="packet">The bytes, until this returns.</param>
public delegate void PacketWorker(ReadOnlySpan<byte> packet);
