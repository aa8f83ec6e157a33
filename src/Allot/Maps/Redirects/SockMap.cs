using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>Sockets by index, for programs that send to them. A socket that is closed is no longer found.</summary>
/// <remarks>What a program redirects to a socket is sent if the socket can take it at once.</remarks>
public sealed unsafe class SockMap : IndexedMap<SocketSink>, IRedirectMap
{
    /// <summary>Makes the map and charges its group for it.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="definition">A key has 4 bytes, a value 4 or 8.</param>
    /// <exception cref="MapRefusedException">The definition is none of such a map.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public SockMap(MemoryGroup group, MapDefinition definition)
        : base(group, definition)
    {
    }

    bool IRedirectMap.CanBroadcast => false;

    /// <summary>Puts a socket at an index.</summary>
    /// <param name="index">The index.</param>
    /// <param name="socket">A socket that is connected or listens; the map keeps it alive.</param>
    /// <param name="flags">0 for any, 1 for an empty slot only, 2 for a used one only.</param>
    /// <returns>0, or the error of Linux as a negative number: -95 (EOPNOTSUPP) when it is not connected.</returns>
    public int Put(int index, Socket socket, ulong flags = 0)
    {
        ulong number = MapHandles.Of(socket);
        return Write((byte*)&index, (byte*)&number, flags);
    }

    /// <summary>The socket at an index; null if there is none.</summary>
    /// <param name="index">The index.</param>
    public Socket? Get(int index) => FindOpen((uint)index)?.Socket;

    /// <summary>Adds or replaces a socket, by its number: see <see cref="MapHandles"/>.</summary>
    /// <inheritdoc/>
    public override int Update(byte* key, byte* value, ulong flags)
    {
        if (flags > MapErrors.OnlyExisting) return MapErrors.Invalid;
        uint index = IndexOf(key);
        if (!IsIndex(index)) return MapErrors.TooBig;
        if (!MapHandles.TryFind(NumberOf(value), out Socket? socket)) return MapErrors.BadHandle;
        int error = SocketStates.Check(socket);
        if (error != MapErrors.None) return error;
        lock (Gate)
        {
            bool isUsed = FindOpen(index) is not null;
            if (isUsed && flags == MapErrors.OnlyNew) return MapErrors.Exists;
            if (!isUsed && flags == MapErrors.OnlyExisting) return MapErrors.NotFound;
            Replace_NeedsGate(index, new SocketSink(socket));
            return MapErrors.None;
        }
    }

    /// <inheritdoc/>
    public override int Delete(byte* key)
    {
        uint index = IndexOf(key);
        if (!IsIndex(index)) return MapErrors.Invalid;
        lock (Gate) return Replace_NeedsGate(index, null) is null ? MapErrors.Invalid : MapErrors.None;
    }

    IPacketSink? IRedirectMap.Target(uint key) => FindOpen(key);

    int IRedirectMap.Broadcast(ReadOnlySpan<byte> packet, uint exceptNumber) => 0;

    private protected override int ReadCore(byte* key, byte* value)
    {
        if (Definition.ValueBytes == sizeof(uint)) return MapErrors.NoSpace;
        if (key == null) return MapErrors.Invalid;
        if (FindOpen(IndexOf(key)) is not { } sink) return MapErrors.NotFound;
        Unsafe.WriteUnaligned(value, (ulong)MapHandles.Of(sink.Socket));
        return MapErrors.None;
    }

    private SocketSink? FindOpen(uint index) =>
        Find(index) is { } sink && SocketStates.IsOpen(sink.Socket) ? sink : null;
}
