namespace Allot.Maps;

/// <summary>Sockets of whole packets by index, for programs that redirect to them.</summary>
public sealed unsafe class XskMap : IndexedMap<PacketSocket>, IRedirectMap
{
    /// <summary>Makes the map and charges its group for it.</summary>
    /// <param name="group">Who pays; sockets pay for themselves.</param>
    /// <param name="definition">A key and a value have 4 bytes.</param>
    /// <exception cref="MapRefusedException">The definition is none of such a map.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public XskMap(MemoryGroup group, MapDefinition definition)
        : base(group, definition)
    {
    }

    bool IRedirectMap.CanBroadcast => false;

    /// <summary>Puts a socket at an index.</summary>
    /// <param name="index">The index.</param>
    /// <param name="socket">The socket; the map keeps it alive.</param>
    /// <returns>0, or -7 (E2BIG) when there is no such index.</returns>
    public int Put(int index, PacketSocket socket)
    {
        uint number = MapHandles.Of(socket);
        return Write((byte*)&index, (byte*)&number);
    }

    /// <summary>Adds or replaces a socket, by its number: see <see cref="MapHandles"/>.</summary>
    /// <inheritdoc/>
    public override int Update(byte* key, byte* value, ulong flags)
    {
        if (flags > MapErrors.OnlyExisting) return MapErrors.Invalid;
        uint index = IndexOf(key);
        if (!IsIndex(index)) return MapErrors.TooBig;
        if (!MapHandles.TryFind(NumberOf(value), out object? any)) return MapErrors.BadHandle;
        if (any is not PacketSocket socket) return MapErrors.NotOfThisKind;
        lock (Gate)
        {
            PacketSocket? before = Find(index);
            if (before == socket) return MapErrors.None;
            if (before is not null && flags == MapErrors.OnlyNew) return MapErrors.Exists;
            if (before is null && flags == MapErrors.OnlyExisting) return MapErrors.NotFound;
            Replace_NeedsGate(index, socket);
            return MapErrors.None;
        }
    }

    /// <inheritdoc/>
    public override int Delete(byte* key)
    {
        uint index = IndexOf(key);
        if (!IsIndex(index)) return MapErrors.Invalid;
        lock (Gate) Replace_NeedsGate(index, null);
        return MapErrors.None;
    }

    IPacketSink? IRedirectMap.Target(uint key) => Find(key);

    int IRedirectMap.Broadcast(ReadOnlySpan<byte> packet, uint exceptNumber) => 0;

    private protected override int ReadCore(byte* key, byte* value) => MapErrors.NotOfThisKind;
}
