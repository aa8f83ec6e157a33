using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>Sockets that share a port, by index: a program selects the one that gets a connection or a packet. A socket
/// is in one slot of all such arrays at most.</summary>
public sealed unsafe class ReuseportSockArray : IndexedMap<Socket>
{
    private static readonly Lock s_gate = new();
    private static readonly ConditionalWeakTable<Socket, object> s_placed = [];

    /// <summary>Makes the array and charges its group for it.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="definition">A key has 4 bytes, a value 4 or 8.</param>
    /// <exception cref="MapRefusedException">The definition is none of such an array.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public ReuseportSockArray(MemoryGroup group, MapDefinition definition)
        : base(group, definition)
    {
    }

    /// <summary>Puts a socket at an index.</summary>
    /// <param name="index">The index.</param>
    /// <param name="socket">A socket with SO_REUSEPORT; the map keeps it alive.</param>
    /// <param name="flags">0 for any, 1 for an empty slot only, 2 for a used one only.</param>
    /// <returns>0, or the error of Linux as a negative number: -22 (EINVAL) when it does not share its port, -16
    /// (EBUSY) when it is in a slot already.</returns>
    public int Put(int index, Socket socket, ulong flags = 0)
    {
        ulong number = MapHandles.Of(socket);
        return Write((byte*)&index, (byte*)&number, flags);
    }

    /// <summary>The socket at an index; null if there is none, or it was closed.</summary>
    /// <param name="index">The index.</param>
    public Socket? Select(int index) => FindOpen((uint)index);

    /// <summary>Adds or replaces a socket, by its number: see <see cref="MapHandles"/>.</summary>
    /// <inheritdoc/>
    public override int Update(byte* key, byte* value, ulong flags)
    {
        if (flags > MapErrors.OnlyExisting) return MapErrors.Invalid;
        uint index = IndexOf(key);
        if (!IsIndex(index)) return MapErrors.TooBig;
        if (!MapHandles.TryFind(NumberOf(value), out Socket? socket)) return MapErrors.BadHandle;
        if (!SocketStates.IsOpen(socket)) return MapErrors.BadHandle;
        if (!SocketStates.SharesPort(socket)) return MapErrors.Invalid;
        lock (s_gate)
        {
            bool isUsed = FindOpen(index) is not null;
            if (isUsed && flags == MapErrors.OnlyNew) return MapErrors.Exists;
            if (!isUsed && flags == MapErrors.OnlyExisting) return MapErrors.NotFound;
            if (s_placed.TryGetValue(socket, out _)) return MapErrors.Busy;
            Socket? before;
            lock (Gate) before = Replace_NeedsGate(index, socket);
            if (before is not null) s_placed.Remove(before);
            s_placed.Add(socket, this);
            return MapErrors.None;
        }
    }

    /// <inheritdoc/>
    public override int Delete(byte* key)
    {
        uint index = IndexOf(key);
        if (!IsIndex(index)) return MapErrors.TooBig;
        Socket? before;
        lock (Gate) before = Replace_NeedsGate(index, null);
        if (before is null) return MapErrors.NotFound;
        LetGo(before);
        return MapErrors.None;
    }

    private protected override int ReadCore(byte* key, byte* value)
    {
        if (Definition.ValueBytes == sizeof(uint)) return MapErrors.NoSpace;
        if (key == null) return MapErrors.Invalid;
        if (FindOpen(IndexOf(key)) is not { } socket) return MapErrors.NotFound;
        Unsafe.WriteUnaligned(value, (ulong)MapHandles.Of(socket));
        return MapErrors.None;
    }

    private protected override void LetGo(Socket before)
    {
        lock (s_gate) s_placed.Remove(before);
    }

    private Socket? FindOpen(uint index) => Find(index) is { } socket && SocketStates.IsOpen(socket) ? socket : null;
}
