// Address space of its own for memory that is locked: whole pages, with others around them that nothing may touch.

using System.Runtime.InteropServices;

namespace Allot;

/// <summary>Pages of the system: those in the middle can be used, and one on each side is a guard.</summary>
internal static partial class NativeRegion
{
    private const int ProtectNone = 0, ProtectRead = 1, ProtectReadWrite = 3, MapPrivate = 2;
    private const int AdviseNoDump = 16, AdviseNoFork = 10, AdviseWipeOnFork = 18;
    private const uint MemCommit = 0x1000, MemReserve = 0x2000, MemRelease = 0x8000;
    private const uint PageNoAccess = 1, PageReadOnly = 2, PageReadWrite = 4;

    private static readonly int s_mapAnonymous = OperatingSystem.IsLinux() ? 0x20 : 0x1000;

    private static nuint GuardBytes => (nuint)Environment.SystemPageSize;

    /// <summary>Maps pages that read zero.</summary>
    /// <param name="bytes">Whole pages.</param>
    /// <returns>Those in the middle.</returns>
    /// <exception cref="InsufficientMemoryException">The system has none.</exception>
    public static PageRange Map(long bytes)
    {
        nuint all = checked((nuint)bytes + (2 * GuardBytes));
        nint start = OperatingSystem.IsWindows()
            ? VirtualAlloc(0, all, MemReserve, PageNoAccess)
            : Map(0, all, ProtectNone, MapPrivate | s_mapAnonymous, -1, 0);
        if (start is not (0 or -1))
        {
            nuint first = (nuint)start + GuardBytes;
            var range = new PageRange(first, first + (nuint)bytes);
            bool isUsable = OperatingSystem.IsWindows()
                ? VirtualAlloc((nint)first, (nuint)bytes, MemCommit, PageReadWrite) != 0
                : bytes == 0 || Protect(first, (nuint)bytes, ProtectReadWrite) == 0;
            if (isUsable) return range;
            Unmap(range);
        }

        throw new InsufficientMemoryException($"The system has no {bytes} bytes of memory left.");
    }

    /// <summary>Gives the pages back, with their guards.</summary>
    public static void Unmap(PageRange range)
    {
        nuint start = range.Start - GuardBytes;
        if (OperatingSystem.IsWindows()) _ = VirtualFree((nint)start, 0, MemRelease);
        else _ = Unmap(start, (nuint)range.Bytes + (2 * GuardBytes));
    }

    /// <summary>Sets what may be done with the pages.</summary>
    /// <returns>Whether the system did it.</returns>
    public static bool TryProtect(PageRange range, bool canRead, bool canWrite)
    {
        if (range.Bytes == 0) return true;
        if (OperatingSystem.IsWindows())
        {
            uint page = canWrite ? PageReadWrite : canRead ? PageReadOnly : PageNoAccess;
            return VirtualProtect((nint)range.Start, (nuint)range.Bytes, page, out _);
        }

        int protection = canWrite ? ProtectReadWrite : canRead ? ProtectRead : ProtectNone;
        return Protect(range.Start, (nuint)range.Bytes, protection) == 0;
    }

    /// <summary>Keeps the pages out of core dumps, and out of children. Does nothing where the system cannot.</summary>
    /// <returns>Whether all of it is done.</returns>
    public static bool TryHide(PageRange range, bool wipeOnFork)
    {
        if (!OperatingSystem.IsLinux()) return false;
        if (range.Bytes == 0) return true;
        bool isUndumped = Advise(range.Start, (nuint)range.Bytes, AdviseNoDump) == 0;
        return Advise(range.Start, (nuint)range.Bytes, wipeOnFork ? AdviseWipeOnFork : AdviseNoFork) == 0 && isUndumped;
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint bytes, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nuint address, nuint bytes);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(nuint address, nuint bytes, int protection);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nuint address, nuint bytes, int advice);

    [LibraryImport("kernel32")]
    private static partial nint VirtualAlloc(nint address, nuint bytes, uint type, uint protection);

    [LibraryImport("kernel32")]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool VirtualFree(nint address, nuint bytes, uint type);

    [LibraryImport("kernel32")]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool VirtualProtect(nint address, nuint bytes, uint protection, out uint before);
}
