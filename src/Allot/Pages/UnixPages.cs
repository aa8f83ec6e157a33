// Address space by mmap. Reserved is what no access is allowed to and no commit charge stands for (MAP_NORESERVE);
// committing is mprotect, which a system with strict overcommit can refuse, at a moment when we can say so. Decommitted
// pages keep their protection: they cost no memory, and the next touch makes new ones.

using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Allot;

internal sealed partial class UnixPages : IPageSource
{
    private const int ProtectNone = 0, ProtectReadWrite = 3, MapPrivate = 2, AdviseNotNeeded = 4, AdviseFree = 5;
    private const int AdviseHugePages = 14;

    private static readonly bool s_isLinux = OperatingSystem.IsLinux() || OperatingSystem.IsAndroid();
    private static readonly int s_mapAnonymous = s_isLinux ? 0x20 : 0x1000;
    private static readonly int s_mapNoReserve = s_isLinux ? 0x4000 : 0x40;

    public nint Reserve(nuint bytes)
    {
        // The system aligns to its pages only: take one unit more and give the ends back.
        nuint spare = PageArena.UnitBytes;
        nint start = Map(0, bytes + spare, ProtectNone, MapPrivate | s_mapAnonymous | s_mapNoReserve, -1, 0);
        if (start == -1) return 0;
        nint aligned = (start + (nint)spare - 1) & ~((nint)spare - 1);
        nuint before = (nuint)(aligned - start), after = spare - before;
        if (before > 0) _ = Unmap(start, before);
        if (after > 0) _ = Unmap(aligned + (nint)bytes, after);
        return aligned;
    }

    public bool TryCommit(nint address, nuint bytes) => Protect(address, bytes, ProtectReadWrite) == 0;

    public void Decommit(nint address, nuint bytes)
    {
        // macOS ignores the first for private memory.
        int result = Advise(address, bytes, s_isLinux ? AdviseNotNeeded : AdviseFree);
        Debug.Assert(result == 0 || !s_isLinux, "What was committed can be given back.");
    }

    public void Release(nint address, nuint bytes) => _ = Unmap(address, bytes);

    // A system without huge pages refuses, and that is all the same.
    public void PreferHugePages(nint address, nuint bytes)
    {
        if (s_isLinux) _ = Advise(address, bytes, AdviseHugePages);
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint bytes, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint bytes);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    private static partial int Protect(nint address, nuint bytes, int protection);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nint address, nuint bytes, int advice);
}
