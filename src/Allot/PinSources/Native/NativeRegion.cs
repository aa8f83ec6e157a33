// Address space of its own for memory that is locked: whole pages, with others around them that nothing may touch.

using System.Runtime.InteropServices;

namespace Allot;

/// <summary>Pages of the system: those in the middle can be used, and one on each side is a guard.</summary>
internal static partial class NativeRegion
{
    private const int AdviseNoDump = 16, AdviseNoFork = 10, AdviseWipeOnFork = 18;
    private const uint MemCommit = 0x1000, MemReserve = 0x2000, MemRelease = 0x8000;
    private const uint PageNoAccess = 1, PageReadOnly = 2, PageReadWrite = 4;

    /// <summary>Whether pages that nobody may read stay locked. Windows unlocks them.</summary>
    public static bool LocksWhatIsDenied => !OperatingSystem.IsWindows();

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
            : UnixCalls.MapNothing(all);
        if (start is not (0 or UnixCalls.NotMapped))
        {
            nuint first = (nuint)start + GuardBytes;
            var range = new PageRange(first, first + (nuint)bytes);
            if (bytes == 0 || TryCommit(range)) return range;
            Unmap(range);
        }

        throw new InsufficientMemoryException($"The system has no {bytes} bytes of memory left.");
    }

    private static bool TryCommit(PageRange range) => OperatingSystem.IsWindows()
        ? VirtualAlloc((nint)range.Start, (nuint)range.Bytes, MemCommit, PageReadWrite) != 0
        : UnixCalls.Protect((nint)range.Start, (nuint)range.Bytes, UnixCalls.ProtectReadWrite) == 0;

    /// <summary>Gives the pages back, with their guards.</summary>
    public static void Unmap(PageRange range)
    {
        nuint start = range.Start - GuardBytes;
        if (OperatingSystem.IsWindows()) _ = VirtualFree((nint)start, 0, MemRelease);
        else if (UnixCalls.Unmap((nint)start, (nuint)range.Bytes + (2 * GuardBytes)) != 0) UnmapInParts(range);
    }

    // A guard can be one mapping with that of a neighbour, and to divide it needs room for one mapping more, which a
    // process may not have. The pages in the middle are mappings of their own: those go in any case, with their locks.
    private static void UnmapInParts(PageRange range)
    {
        _ = UnixCalls.Unmap((nint)range.Start, (nuint)range.Bytes);
        _ = UnixCalls.Unmap((nint)(range.Start - GuardBytes), GuardBytes);
        _ = UnixCalls.Unmap((nint)range.End, GuardBytes);
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

        int protection = canWrite ? UnixCalls.ProtectReadWrite
            : canRead ? UnixCalls.ProtectRead
            : UnixCalls.ProtectNone;
        return UnixCalls.Protect((nint)range.Start, (nuint)range.Bytes, protection) == 0;
    }

    /// <summary>Keeps the pages out of core dumps, and out of children. Does nothing where the system cannot.</summary>
    /// <returns>Whether all of it is done.</returns>
    public static bool TryHide(PageRange range, bool wipeOnFork)
    {
        if (!OperatingSystem.IsLinux()) return false;
        if (range.Bytes == 0) return true;
        bool isUndumped = Advise(AdviseNoDump);
        return Advise(wipeOnFork ? AdviseWipeOnFork : AdviseNoFork) && isUndumped;

        bool Advise(int advice) => UnixCalls.Advise((nint)range.Start, (nuint)range.Bytes, advice) == 0;
    }

    [LibraryImport("kernel32")]
    private static partial nint VirtualAlloc(nint address, nuint bytes, uint type, uint protection);

    [LibraryImport("kernel32")]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool VirtualFree(nint address, nuint bytes, uint type);

    [LibraryImport("kernel32")]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool VirtualProtect(nint address, nuint bytes, uint protection, out uint before);
}
