using System.Runtime.InteropServices;

namespace Allot.Processes.Native;

internal static unsafe partial class LibC
{
    public const int AF_UNIX = 1;
    public const int SOCK_STREAM = 1;
    public const int SOCK_CLOEXEC = 0x80000;
    public const int SOL_SOCKET = 1;
    public const int SO_TYPE = 3;
    public const int SCM_RIGHTS = 1;
    public const int MSG_NOSIGNAL = 0x4000;
    public const int MSG_CMSG_CLOEXEC = 0x40000000;

    [LibraryImport(Library, EntryPoint = "getpeername", SetLastError = true)]
    public static partial int GetPeerName(int fd, SocketName* name, int* lengthBytes);

    [LibraryImport(Library, EntryPoint = "getsockopt", SetLastError = true)]
    public static partial int GetSocketOption(int fd, int level, int option, void* value, int* lengthBytes);

    [LibraryImport(Library, EntryPoint = "socketpair", SetLastError = true)]
    public static partial int SocketPair(int domain, int type, int protocol, int* pair);

    [LibraryImport(Library, EntryPoint = "sendmsg", SetLastError = true)]
    public static partial nint SendMessage(int fd, MessageHeader* message, int flags);

    [LibraryImport(Library, EntryPoint = "recvmsg", SetLastError = true)]
    public static partial nint ReceiveMessage(int fd, MessageHeader* message, int flags);

    /// <summary><c>struct iovec</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct IoVector
    {
        public void* Base;
        public nuint Length;
    }

    /// <summary>
    /// <c>struct msghdr</c> on 64 bits. Zero it first: some C libraries have padding where others have width.
    /// </summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct MessageHeader
    {
        public void* Name;
        public ulong NameLength;
        public IoVector* Vectors;
        public ulong VectorCount;
        public void* Control;
        public ulong ControlLength;
        public int Flags;
    }

    /// <summary>
    /// <c>struct cmsghdr</c> with room for one descriptor, padded to what <c>CMSG_SPACE(sizeof(int))</c> gives.
    /// </summary>
    [StructLayout(LayoutKind.Sequential, Size = 24)]
    public struct DescriptorMessage
    {
        /// <summary>What <c>CMSG_LEN(sizeof(int))</c> gives: the header of 16 bytes and one descriptor.</summary>
        public const ulong UsedBytes = 20;

        public ulong Length;
        public int Level;
        public int Type;
        public int Fd;
    }

    /// <summary>The family, and room for a name of any: <c>struct sockaddr_storage</c>.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    public struct SocketName
    {
        [FieldOffset(0)] public ushort Family;
    }
}
