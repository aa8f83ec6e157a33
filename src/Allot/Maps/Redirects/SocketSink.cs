using System.Net.Sockets;

namespace Allot.Maps;

/// <summary>Sends what is redirected to a socket.</summary>
public sealed class SocketSink : IPacketSink
{
    internal SocketSink(Socket socket) => Socket = socket;

    /// <summary>The socket.</summary>
    public Socket Socket { get; }

    /// <summary>Sends, if the socket takes all of it now.</summary>
    /// <inheritdoc/>
    public bool TrySend(ReadOnlySpan<byte> packet) => SocketStates.TrySend(Socket, packet);
}
