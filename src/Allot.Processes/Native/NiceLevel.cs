using System.Runtime.InteropServices;

namespace Allot.Processes.Native;

/// <summary>How willing the calling thread is to let others run first: from 19, most, to -20, least.</summary>
internal static partial class NiceLevel
{
    public const int Normal = 0;
    public const int Least = -20;

    private const int OfProcess = 0;    // PRIO_PROCESS, which Linux applies to the one thread

    /// <summary>False without the right to it: below what the thread has, only root and CAP_SYS_NICE may go.</summary>
    public static bool TrySet(int level) => SetPriority(OfProcess, 0, level) == 0;

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, int who, int level);
}
