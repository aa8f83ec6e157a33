// Pages of which the last part is followed by itself: what is written past its end is at its beginning. So a piece that
// goes round the end of a ring has one address.
//
//   control pages | data | the same data again
//
// On Linux both are one memory: a shared mapping, of which mremap with an old size of 0 makes a second one. Elsewhere,
// and where data is no whole number of pages of the system, there are two memories. A ring does not see the difference:
// whoever has a piece that goes round the end uses it from its first address on, in the second memory; only what lies
// wholly in the first is ever reached in another way. It costs the data once more, and is charged.

using System.Runtime.InteropServices;

namespace Allot.Maps;

/// <summary>Zeroed memory for a ring. Nobody is charged for it here.</summary>
internal sealed unsafe partial class MirroredPages : IDisposable
{
    private const int ProtectNone = 0, ProtectReadWrite = 3;
    private const int MapShared = 1, MapPrivate = 2, MapFixed = 0x10, MapAnonymous = 0x20, MapNoReserve = 0x4000;
    private const int MoveMayMove = 1, MoveFixed = 2;

    private readonly nuint _reservedBytes;
    private readonly bool _mirrors;
    private byte* _start;

    private MirroredPages(byte* start, nuint reservedBytes, bool mirrors)
    {
        _start = start;
        _reservedBytes = reservedBytes;
        _mirrors = mirrors;
    }

    /// <summary>The first byte; null once disposed.</summary>
    public byte* Start => _start;

    /// <summary>Whether what follows the data is the data.</summary>
    public bool Mirrors => _mirrors;

    /// <summary>The memory that there is: what a group is to be charged.</summary>
    public static Int128 BytesOf(long controlBytes, long dataBytes) =>
        CanMirror(controlBytes, dataBytes)
            ? (Int128)controlBytes + dataBytes
            : PlainBytes(controlBytes, dataBytes);

    /// <returns>Null when the system has no memory.</returns>
    public static MirroredPages? TryAllocate(long controlBytes, long dataBytes) =>
        CanMirror(controlBytes, dataBytes) ? TryMirror(controlBytes, dataBytes) : TryPlain(controlBytes, dataBytes);

    /// <summary>The way of systems that cannot map memory twice.</summary>
    public static MirroredPages? TryPlain(long controlBytes, long dataBytes)
    {
        var bytes = (nuint)PlainBytes(controlBytes, dataBytes);
        nint start = SystemPages.Instance.Reserve(bytes);
        if (start == 0) return null;
        if (SystemPages.Instance.TryCommit(start, bytes)) return new MirroredPages((byte*)start, bytes, mirrors: false);
        SystemPages.Instance.Release(start, bytes);
        return null;
    }

    public void Dispose()
    {
        byte* start = _start;
        _start = null;
        if (start == null) return;
        if (_mirrors) _ = Unmap((nint)start, _reservedBytes);
        else SystemPages.Instance.Release((nint)start, _reservedBytes);
    }

    private static bool CanMirror(long controlBytes, long dataBytes) =>
        OperatingSystem.IsLinux()
        && controlBytes % Environment.SystemPageSize == 0
        && dataBytes % Environment.SystemPageSize == 0;

    private static Int128 PlainBytes(long controlBytes, long dataBytes)
    {
        Int128 bytes = (Int128)controlBytes + (2 * (Int128)dataBytes);
        return (bytes + PageArena.UnitBytes - 1) / PageArena.UnitBytes * PageArena.UnitBytes;
    }

    private static MirroredPages? TryMirror(long controlBytes, long dataBytes)
    {
        nint once = (nint)(controlBytes + dataBytes);
        nuint all = (nuint)(once + (nint)dataBytes);
        nint start = Map(0, all, ProtectNone, MapPrivate | MapAnonymous | MapNoReserve, -1, 0);
        if (start == -1) return null;
        nint shared = Map(start, (nuint)once, ProtectReadWrite, MapShared | MapAnonymous | MapFixed, -1, 0);
        nint data = start + (nint)controlBytes;
        nint again = start + once;
        if (shared != start || Remap(data, 0, (nuint)dataBytes, MoveMayMove | MoveFixed, again) != again)
        {
            _ = Unmap(start, all);
            return null;
        }

        return new MirroredPages((byte*)start, all, mirrors: true);
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint bytes, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint bytes);

    [LibraryImport("libc", EntryPoint = "mremap")]
    private static partial nint Remap(nint old, nuint oldBytes, nuint newBytes, int flags, nint address);
}
