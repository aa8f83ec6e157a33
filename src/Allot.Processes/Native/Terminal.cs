using System.Runtime.InteropServices;

namespace Allot.Processes.Native;

/// <summary>The controlling terminal of this process.</summary>
internal static partial class Terminal
{
    /// <summary>Whether keys like Ctrl-C reach our process group, and so everybody in it, from the terminal
    /// itself.</summary>
    public static unsafe bool IsForeground()
    {
        int terminal;
        fixed (byte* path = "/dev/tty\0"u8) terminal = LibC.Open(path, LibC.O_RDONLY | LibC.O_CLOEXEC, 0);
        if (terminal < 0) return false;
        bool foreground = TcGetPgrp(terminal) == GetPgrp();
        _ = LibC.Close(terminal);
        return foreground;
    }

    [LibraryImport("libc", EntryPoint = "tcgetpgrp")]
    private static partial int TcGetPgrp(int fd);

    [LibraryImport("libc", EntryPoint = "getpgrp")]
    private static partial int GetPgrp();
}
