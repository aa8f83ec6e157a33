namespace Allot.Maps;

/// <summary>A socket of whole packets, in place of an AF_XDP socket: a program redirects packets to it through a
/// <see cref="XskMap"/>, and the host receives them. Its group pays for it and its packets.</summary>
public sealed class PacketSocket : IDisposable, IPacketSink
{
    private readonly PacketInbox _queue;

    /// <summary>Opens a socket.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="capacity">The most packets that wait.</param>
    /// <exception cref="ArgumentOutOfRangeException">The capacity is not from 1 to 2^24.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public PacketSocket(MemoryGroup group, int capacity)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(capacity, 1 << 24);
        var memory = new MapMemory(group);
        var named = new MapDefinition { Name = "socket", Type = MapType.XskMap };
        memory.Hold(named, (long)capacity * PacketInbox.SlotBytes);
        Group = group;
        _queue = new PacketInbox(memory, capacity, memory.Dispose);
    }

    /// <summary>Who pays.</summary>
    public MemoryGroup Group { get; }

    /// <summary>The packets that wait, and those that were dropped.</summary>
    public PacketInbox Received => _queue;

    /// <inheritdoc/>
    public bool TrySend(ReadOnlySpan<byte> packet) => _queue.TrySend(packet);

    /// <summary>Closes the socket. What waits is lost; what comes is dropped.</summary>
    public void Dispose() => _queue.Close();
}
