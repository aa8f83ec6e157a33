using System.Runtime.InteropServices;

namespace Allot.Processes.Native;

internal static unsafe partial class LibC
{
    public const int PR_SET_CHILD_SUBREAPER = 36;
    public const int PR_GET_CHILD_SUBREAPER = 37;
    public const int PR_SET_NO_NEW_PRIVS = 38;

    public const uint SECCOMP_SET_MODE_FILTER = 1;
    public const uint SECCOMP_FILTER_FLAG_NEW_LISTENER = 1u << 3;
    public const uint SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 1u << 5;

    public const uint SECCOMP_IOCTL_NOTIF_RECV = 0xC0502100;
    public const uint SECCOMP_IOCTL_NOTIF_SEND = 0xC0182101;
    public const uint SECCOMP_IOCTL_NOTIF_ID_VALID = 0x40082102;
    public const uint SECCOMP_IOCTL_NOTIF_SET_FLAGS = 0x40082104;
    public const uint SECCOMP_USER_NOTIF_FLAG_CONTINUE = 1;
    public const uint SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP = 1;

    /// <summary>
    /// The seccomp call, which no C library wraps. With NEW_LISTENER it returns the listener, closed on exec.
    /// </summary>
    public static int Seccomp(uint operation, uint flags, void* argument) =>
        (int)Syscall(Number.Seccomp, (nint)operation, (nint)flags, (nint)argument, 0, 0, 0);

    /// <summary><c>struct sock_fprog</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct FilterProgram
    {
        public ushort InstructionCount;
        public void* Instructions;
    }

    /// <summary><c>struct seccomp_notif_resp</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct NotificationResponse
    {
        public ulong Id;
        public long Value;
        public int Error;
        public uint Flags;
    }
}
