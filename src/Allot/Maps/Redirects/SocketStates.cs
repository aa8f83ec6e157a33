using System.Net.Sockets;

namespace Allot.Maps;

/// <summary>What maps of sockets ask of a socket.</summary>
internal static class SocketStates
{
    private const int SocketLevel = 1, ReusePort = 15;   // SOL_SOCKET and SO_REUSEPORT of Linux

    public static bool IsOpen(Socket socket) => !socket.SafeHandle.IsClosed && !socket.SafeHandle.IsInvalid;

    /// <summary>Whether a map of sockets takes it: a stream that is connected or listens, or whatever has no
    /// connections.</summary>
    /// <returns>0, -9 (EBADF) when it is closed, -95 (EOPNOTSUPP) when it is not connected.</returns>
    public static int Check(Socket socket)
    {
        try
        {
            if (!IsOpen(socket)) return MapErrors.BadHandle;
            bool isReady = socket.SocketType != SocketType.Stream || socket.Connected || IsListening(socket);
            return isReady ? MapErrors.None : MapErrors.NotOfThisKind;
        }
        catch (ObjectDisposedException)
        {
            return MapErrors.BadHandle;
        }
    }

    /// <summary>Whether others may bind to the same port. Known on Linux only; elsewhere it is believed.</summary>
    public static bool SharesPort(Socket socket)
    {
        if (!OperatingSystem.IsLinux()) return true;
        Span<byte> value = stackalloc byte[sizeof(int)];
        try
        {
            int bytes = socket.GetRawSocketOption(SocketLevel, ReusePort, value);
            return bytes == sizeof(int) && BitConverter.ToInt32(value) != 0;
        }
        catch (Exception failure) when (failure is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    /// <summary>Sends, if the socket takes bytes now: a program does not wait.</summary>
    public static bool TrySend(Socket socket, ReadOnlySpan<byte> bytes)
    {
        try
        {
            return IsOpen(socket)
                && socket.Poll(0, SelectMode.SelectWrite)
                && socket.Send(bytes, SocketFlags.None, out SocketError error) == bytes.Length
                && error == SocketError.Success;
        }
        catch (Exception failure) when (failure is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    private static bool IsListening(Socket socket) =>
        socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.AcceptConnection) is not 0;
}
