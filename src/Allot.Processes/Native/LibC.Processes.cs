using System.Runtime.InteropServices;

namespace Allot.Processes.Native;

internal static unsafe partial class LibC
{
    /// <summary>
    /// More than the size of <c>posix_spawnattr_t</c> and of <c>posix_spawn_file_actions_t</c> in any C library.
    /// </summary>
    public const int SpawnObjectBytes = 1024;

    /// <summary>The size of <c>sigset_t</c>; the kernel's own set is its first 8 bytes.</summary>
    public const int SignalSetBytes = 128;

    public const short POSIX_SPAWN_SETSIGMASK = 8;

    public const int P_PID = 1;
    public const int P_PIDFD = 3;
    public const int WNOHANG = 1;
    public const int WEXITED = 4;
    public const int CLD_EXITED = 1;

    public const int RLIMIT_NOFILE = 7;
    public const int RLIMIT_MEMLOCK = 8;

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_init")]
    public static partial int SpawnAttributesInit(void* attributes);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_destroy")]
    public static partial int SpawnAttributesDestroy(void* attributes);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_setflags")]
    public static partial int SpawnAttributesSetFlags(void* attributes, short flags);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_setsigmask")]
    public static partial int SpawnAttributesSetSignalMask(void* attributes, void* signalSet);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_init")]
    public static partial int SpawnActionsInit(void* actions);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_destroy")]
    public static partial int SpawnActionsDestroy(void* actions);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_adddup2")]
    public static partial int SpawnActionsAddDup2(void* actions, int fd, int newFd);

    /// <summary>Starts a program. Returns the error number itself; the last error is not set.</summary>
    [LibraryImport(Library, EntryPoint = "posix_spawn")]
    public static partial int Spawn(
        int* pid, byte* path, void* actions, void* attributes, byte** arguments, byte** environment);

    /// <summary>Like execve, and searches PATH as a shell does. Returns only on failure.</summary>
    [LibraryImport(Library, EntryPoint = "execvpe", SetLastError = true)]
    public static partial int ExecVpe(byte* file, byte** arguments, byte** environment);

    /// <summary>Ends the process at once: no exit handlers, no runtime shutdown.</summary>
    [LibraryImport(Library, EntryPoint = "_exit")]
    public static partial void ExitNow(int status);

    [LibraryImport(Library, EntryPoint = "waitid", SetLastError = true)]
    public static partial int WaitId(int idType, int id, ChildInfo* info, int options);

    [LibraryImport(Library, EntryPoint = "kill", SetLastError = true)]
    public static partial int Kill(int pid, int signal);

    /// <summary>Sets what a signal does; unlike <see cref="SignalAction"/> with a way back from the handler, which the
    /// C library brings.</summary>
    [LibraryImport(Library, EntryPoint = "sigaction", SetLastError = true)]
    public static partial int HandleSignal(int signal, SignalHandler* newAction, void* oldAction);

    /// <summary>Whether a process or thread of this number exists, be it ours to signal or not.</summary>
    public static bool Exists(int id) => Kill(id, 0) == 0 || Errno.Last != Errno.ESRCH;

    [LibraryImport(Library, EntryPoint = "prctl", SetLastError = true)]
    public static partial int Prctl(int option, nuint argument2, nuint argument3, nuint argument4, nuint argument5);

    /// <summary>Reads and sets a limit of a process (0 is the caller); either pointer may be null.</summary>
    [LibraryImport(Library, EntryPoint = "prlimit", SetLastError = true)]
    public static partial int PrLimit(int pid, int resource, ResourceLimit* newLimit, ResourceLimit* oldLimit);

    [LibraryImport(Library, EntryPoint = "process_vm_readv", SetLastError = true)]
    public static partial nint ProcessVmRead(
        int pid, IoVector* local, nuint localCount, IoVector* remote, nuint remoteCount, nuint flags);

    // The next two have no wrapper in the older C libraries that are still in use.

    /// <summary>A descriptor that stands for the process, closed on exec; -1 and the last error on failure.</summary>
    public static int PidFdOpen(int pid) => (int)Syscall(Number.PidFdOpen, pid, 0, 0, 0, 0, 0);

    /// <summary>Sends a signal to exactly the process the descriptor stands for.</summary>
    public static int PidFdSendSignal(int pidFd, int signal) =>
        (int)Syscall(Number.PidFdSendSignal, pidFd, signal, 0, 0, 0, 0);

    /// <summary><c>struct rlimit</c>, in the resource's own unit.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct ResourceLimit
    {
        public const ulong Infinity = ulong.MaxValue;

        public ulong Soft;
        public ulong Hard;
    }

    /// <summary>The C library's <c>struct sigaction</c>.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 24 + SignalSetBytes)]
    public struct SignalHandler
    {
        [FieldOffset(0)] public nint Function;
        [FieldOffset(8 + SignalSetBytes)] public int Flags;
    }

    /// <summary>The part of <c>siginfo_t</c> that <c>waitid</c> fills.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    public struct ChildInfo
    {
        [FieldOffset(8)] public int Code;
        [FieldOffset(16)] public int Pid;
        [FieldOffset(24)] public int Status;
    }
}
