using System.ComponentModel;

namespace Allot;

/// <summary>The operating system did not lock or unlock memory, although the groups had room.</summary>
public sealed class MemoryLockException : Exception
{
    private const int NotPermitted = 1, TryAgain = 11, NoMemory = 12;

    internal MemoryLockException(string message, int errorCode)
        : base(message) => ErrorCode = errorCode;

    /// <summary>The error of the system: <c>errno</c>, or that of Windows.</summary>
    public int ErrorCode { get; }

    internal static MemoryLockException OfLock(PageRange range, int error, long lockedBytes)
    {
        string what = $"Cannot lock {range.Bytes} bytes at 0x{(ulong)range.Start:x}: ";
        bool isUnix = !OperatingSystem.IsWindows();
        string why = error switch
        {
            NotPermitted when isUnix => "the limit of the process is 0 (RLIMIT_MEMLOCK). Raise it with 'ulimit -l'.",
            NoMemory or TryAgain when isUnix =>
                $"a part of it is not mapped, or the process would pass its limit of {ProcessRights.ReadLockLimit()} "
                + $"bytes (RLIMIT_MEMLOCK), or have too many mappings. {lockedBytes} bytes are locked here; others in "
                + "the process may have more.",
            _ => new Win32Exception(error).Message,
        };
        return new MemoryLockException(what + why, error);
    }

    internal static MemoryLockException OfUnlock(PageRange range, int error) => new(
        $"Cannot unlock all of the {range.Bytes} bytes at 0x{(ulong)range.Start:x}: "
        + $"{new Win32Exception(error).Message}. What is still mapped there stays locked, and charged.",
        error);
}
