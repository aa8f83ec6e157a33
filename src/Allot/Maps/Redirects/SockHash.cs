using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>Sockets by keys of any bytes, for programs that send to them. A socket that is closed is no longer found.
/// </summary>
/// <remarks>What a program redirects to a socket is sent if the socket can take it at once.</remarks>
public sealed unsafe class SockHash : KeyedMap<SocketSink>
{
    /// <summary>Makes the map and charges its group for it.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="definition">A value has 4 or 8 bytes.</param>
    /// <exception cref="MapRefusedException">The definition is none of such a map.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public SockHash(MemoryGroup group, MapDefinition definition)
        : base(group, definition)
    {
    }

    /// <summary>Puts a socket under a key.</summary>
    /// <param name="key">The bytes of the key.</param>
    /// <param name="socket">A socket that is connected or listens; the map keeps it alive.</param>
    /// <param name="flags">0 for any, 1 for a new key only, 2 for an existing one only.</param>
    /// <returns>0, or the error of Linux as a negative number: -95 (EOPNOTSUPP) when it is not connected.</returns>
    /// <exception cref="ArgumentException">The key has another size.</exception>
    public int Put(ReadOnlySpan<byte> key, Socket socket, ulong flags = 0)
    {
        if (key.Length != Definition.KeyBytes)
        {
            throw new ArgumentException($"A key of '{Definition.Name}' has {Definition.KeyBytes} bytes.", nameof(key));
        }

        ulong number = MapHandles.Of(socket);
        fixed (byte* bytes = key) return Write(bytes, (byte*)&number, flags);
    }

    /// <summary>Adds or replaces a socket, by its number: see <see cref="MapHandles"/>.</summary>
    /// <inheritdoc/>
    public override int Update(byte* key, byte* value, ulong flags)
    {
        if (flags > MapErrors.OnlyExisting) return MapErrors.Invalid;
        if (!MapHandles.TryFind(Unsafe.ReadUnaligned<uint>(value), out Socket? socket)) return MapErrors.BadHandle;
        int error = SocketStates.Check(socket);
        return error != MapErrors.None ? error : Put(key, new SocketSink(socket), flags);
    }

    /// <summary>Where a packet for a key goes; null if nowhere.</summary>
    internal SocketSink? FindOpen(byte* key) =>
        Find(key) is { } sink && SocketStates.IsOpen(sink.Socket) ? sink : null;

    private protected override int ReadCore(byte* key, byte* value)
    {
        if (Definition.ValueBytes == sizeof(uint)) return MapErrors.NoSpace;
        if (key == null) return MapErrors.Invalid;
        if (FindOpen(key) is not { } sink) return MapErrors.NotFound;
        Unsafe.WriteUnaligned(value, (ulong)MapHandles.Of(sink.Socket));
        return MapErrors.None;
    }
}
