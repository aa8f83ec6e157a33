// The conversation of supervisor and launcher, over one pair of stream sockets that both sides close on exec:
//
//   supervisor                launcher
//   plan (length, bytes)  ->
//                         <-  Ready, with the listener if there is a filter; or Failed(stage, errno)
//   go (one byte)         ->
//                         <-  end of file: the exec happened; or Failed(Exec, errno)
//
// Whichever side dies, the other reads end of file. Nothing here allocates: the launcher uses it under its own filter.

using System.Runtime.InteropServices;
using Allot.Processes.Native;

namespace Allot.Processes.Launching;

/// <summary>Sends and receives the messages of a launch.</summary>
internal static unsafe class ControlSocket
{
    private const int MSG_WAITALL = 0x100;
    private const int ECONNRESET = 104;

    /// <summary>Whether a descriptor is one end of a pair of stream sockets.</summary>
    public static bool IsConnected(int socket)
    {
        LibC.SocketName name = default;
        int length = sizeof(LibC.SocketName);
        int type = 0;
        int typeLength = sizeof(int);
        return LibC.GetPeerName(socket, &name, &length) == 0 && name.Family == LibC.AF_UNIX
            && LibC.GetSocketOption(socket, LibC.SOL_SOCKET, LibC.SO_TYPE, &type, &typeLength) == 0
            && type == LibC.SOCK_STREAM;
    }

    /// <summary>Sends all bytes. False when the other side is gone.</summary>
    public static bool TrySend(int socket, void* bytes, nuint length)
    {
        byte* next = (byte*)bytes;
        while (length > 0)
        {
            var vector = new LibC.IoVector { Base = next, Length = length };
            LibC.MessageHeader message = default;
            message.Vectors = &vector;
            message.VectorCount = 1;
            nint sent = LibC.SendMessage(socket, &message, LibC.MSG_NOSIGNAL);
            if (sent < 0)
            {
                if (Errno.Last == Errno.EINTR) continue;
                return false;
            }
            next += sent;
            length -= (nuint)sent;
        }
        return true;
    }

    /// <summary>Receives exactly so many bytes. False when the other side is gone before.</summary>
    public static bool TryReceive(int socket, void* bytes, nuint length)
    {
        byte* next = (byte*)bytes;
        while (length > 0)
        {
            nint received = LibC.Read(socket, next, length);
            if (received < 0 && Errno.Last == Errno.EINTR) continue;
            if (received <= 0) return false;
            next += received;
            length -= (nuint)received;
        }
        return true;
    }

    /// <summary>Sends a reply, and a descriptor with it unless it is negative. Returns 0 or the error number.</summary>
    public static int SendReply(int socket, Reply reply, int descriptor)
    {
        var vector = new LibC.IoVector { Base = &reply, Length = (nuint)sizeof(Reply) };
        LibC.DescriptorMessage control = default;
        control.Length = LibC.DescriptorMessage.UsedBytes;
        control.Level = LibC.SOL_SOCKET;
        control.Type = LibC.SCM_RIGHTS;
        control.Fd = descriptor;

        LibC.MessageHeader message = default;
        message.Vectors = &vector;
        message.VectorCount = 1;
        if (descriptor >= 0)
        {
            message.Control = &control;
            message.ControlLength = (ulong)sizeof(LibC.DescriptorMessage);
        }
        while (LibC.SendMessage(socket, &message, LibC.MSG_NOSIGNAL) < 0)
        {
            if (Errno.Last != Errno.EINTR) return Errno.Last;
        }
        return 0;
    }

    /// <summary>Receives a reply; the descriptor is -1 when none came. False when the launcher is gone.</summary>
    /// <exception cref="InvalidOperationException">The socket failed.</exception>
    public static bool TryReceiveReply(int socket, out Reply reply, out int descriptor)
    {
        reply = default;
        descriptor = -1;
        fixed (Reply* buffer = &reply)
        {
            var vector = new LibC.IoVector { Base = buffer, Length = (nuint)sizeof(Reply) };
            LibC.DescriptorMessage control = default;
            LibC.MessageHeader message = default;
            nint received;
            do
            {
                message.Vectors = &vector;
                message.VectorCount = 1;
                message.Control = &control;
                message.ControlLength = (ulong)sizeof(LibC.DescriptorMessage);
                received = LibC.ReceiveMessage(socket, &message, MSG_WAITALL | LibC.MSG_CMSG_CLOEXEC);
            }
            while (received < 0 && Errno.Last == Errno.EINTR);

            // A side that dies with unread bytes resets the connection.
            if (received < 0 && Errno.Last != ECONNRESET)
            {
                throw new InvalidOperationException($"Cannot hear the launcher: {Errno.Describe(Errno.Last)}.");
            }
            if (message.ControlLength >= LibC.DescriptorMessage.UsedBytes
                && control.Level == LibC.SOL_SOCKET && control.Type == LibC.SCM_RIGHTS)
            {
                descriptor = control.Fd;
            }
            return received == sizeof(Reply);
        }
    }

    /// <summary>What the launcher has to say.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Reply
    {
        /// <summary>0: ready; else failed at <see cref="Stage"/>.</summary>
        public int Failed;

        public LaunchStage Stage;

        public int Errno;

        /// <summary>At <see cref="LaunchStage.JoinCgroup"/>: which of the plan's files.</summary>
        public int Index;

        public static Reply Ready => default;

        public static Reply Failure(LaunchStage stage, int errno, int index = 0) =>
            new() { Failed = 1, Stage = stage, Errno = errno, Index = index };
    }
}
