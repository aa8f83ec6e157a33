using System.Runtime.InteropServices;

namespace Allot.Processes.Native;

internal static unsafe partial class LibC
{
    public const int SIG_UNBLOCK = 1;
    public const int SIG_SETMASK = 2;
    public const nint SIG_DFL = 0;
    public const nint SIG_IGN = 1;

    // The kernel's signal set is 8 bytes, whatever the C library's is.
    private const int KernelSignalSetBytes = 8;

    [LibraryImport(Library, EntryPoint = "syscall", SetLastError = true)]
    public static partial nint Syscall(nint number, nint a, nint b, nint c, nint d, nint e, nint f);

    /// <summary>
    /// Reads and sets what a signal does; either pointer may be null. Raw, because the C library refuses the two
    /// real-time signals it keeps for itself.
    /// </summary>
    public static int SignalAction(int signal, KernelSignalAction* newAction, KernelSignalAction* oldAction) =>
        (int)Syscall(
            Number.RtSigAction, signal, (nint)newAction, (nint)oldAction, KernelSignalSetBytes, 0, 0);

    /// <summary>Sets the calling thread's signal mask. Raw, for the same reason.</summary>
    public static int SetSignalMask(ulong mask) =>
        (int)Syscall(Number.RtSigProcMask, SIG_SETMASK, (nint)(&mask), 0, KernelSignalSetBytes, 0, 0);

    /// <summary>The calling thread's signal mask; all signals when the kernel does not tell.</summary>
    public static ulong GetSignalMask()
    {
        ulong mask = 0;
        nint result = Syscall(Number.RtSigProcMask, SIG_SETMASK, 0, (nint)(&mask), KernelSignalSetBytes, 0, 0);
        return result == 0 ? mask : ulong.MaxValue;
    }

    /// <summary>Lets these signals reach the calling thread.</summary>
    public static int UnblockSignals(ulong mask) =>
        (int)Syscall(Number.RtSigProcMask, SIG_UNBLOCK, (nint)(&mask), 0, KernelSignalSetBytes, 0, 0);

    /// <summary>The kernel's number of the calling thread.</summary>
    public static int GetThreadId() => (int)Syscall(Number.GetTid, 0, 0, 0, 0, 0, 0);

    /// <summary>Sends a signal to one thread of one process.</summary>
    public static int SignalThread(int pid, int threadId, int signal) =>
        (int)Syscall(Number.TgKill, pid, threadId, signal, 0, 0, 0);

    /// <summary>Returns when every processor has passed a moment at which it uses nothing that was freed before. Fails
    /// on machines with processors that take no timer tick.</summary>
    public static int WaitForGracePeriod()
    {
        const nint AllProcesses = 1;   // MEMBARRIER_CMD_GLOBAL
        return (int)Syscall(Number.MemBarrier, AllProcesses, 0, 0, 0, 0, 0);
    }

    /// <summary>Whether two processes have one address space. False also when the kernel does not tell.</summary>
    public static bool SharesMemory(int pid, int otherPid)
    {
        const nint AddressSpace = 1;   // KCMP_VM
        return Syscall(Number.Kcmp, pid, otherPid, AddressSpace, 0, 0, 0) == 0;
    }

    /// <summary>The kernel's <c>struct sigaction</c>; all zero is the default disposition.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct KernelSignalAction
    {
        public nint Handler;
        public ulong Flags;
        public nint Restorer;
        public ulong Mask;
    }

    // The few numbers this assembly calls by itself, resolved once. On an architecture without a table they are -1 and
    // every call fails with ENOSYS.
    private static class Number
    {
        public static readonly int GetTid = Of("gettid");
        public static readonly int Kcmp = Of("kcmp");
        public static readonly int MemBarrier = Of("membarrier");
        public static readonly int PidFdOpen = Of("pidfd_open");
        public static readonly int PidFdSendSignal = Of("pidfd_send_signal");
        public static readonly int RtSigAction = Of("rt_sigaction");
        public static readonly int RtSigProcMask = Of("rt_sigprocmask");
        public static readonly int Seccomp = Of("seccomp");
        public static readonly int TgKill = Of("tgkill");

        private static int Of(string name) =>
            SyscallTable.Current is { } table && table.TryGetNumber(name, out int number) ? number : -1;
    }
}
