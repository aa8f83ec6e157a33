using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Allot.Processes.Native;

/// <summary>A lock on a file or directory (flock) that ends with its handle, or with this process however it ends.
/// It is seen across pid namespaces, and by nobody who does not ask for it.</summary>
internal static unsafe partial class FileLock
{
    private const int ExclusiveOrFail = 2 | 4;   // LOCK_EX | LOCK_NB

    /// <summary>Null when somebody holds it, and when there is no such directory or it cannot be opened.</summary>
    public static SafeFileHandle? TryTakeDirectory(ReadOnlySpan<byte> zeroEndedPath)
    {
        int directory;
        fixed (byte* path = zeroEndedPath) directory = LibC.Open(path, LibC.O_RDONLY | LibC.O_CLOEXEC, 0);
        if (directory < 0) return null;
        if (Lock(directory, ExclusiveOrFail) == 0) return new SafeFileHandle(directory, ownsHandle: true);
        _ = LibC.Close(directory);
        return null;
    }

    [LibraryImport("libc", EntryPoint = "flock")]
    private static partial int Lock(int fd, int operation);
}
