// Address space by mmap. Reserved is what no access is allowed to and no commit charge stands for (MAP_NORESERVE);
// committing is mprotect, which a system with strict overcommit can refuse, at a moment when we can say so. Decommitted
// pages keep their protection: they cost no memory, and the next touch makes new ones.

using System.Diagnostics;

namespace Allot;

internal sealed class UnixPages : IPageSource
{
    private const int AdviseNotNeeded = 4, AdviseFree = 5, AdviseHugePages = 14;

    private static readonly bool s_isLinux = OperatingSystem.IsLinux() || OperatingSystem.IsAndroid();

    public nint Reserve(nuint bytes)
    {
        // The system aligns to its pages only: take one unit more and give the ends back.
        nuint spare = PageArena.UnitBytes;
        nint start = UnixCalls.MapNothingUnreserved(bytes + spare);
        if (start == UnixCalls.NotMapped) return 0;
        nint aligned = (start + (nint)spare - 1) & ~((nint)spare - 1);
        nuint before = (nuint)(aligned - start), after = spare - before;
        if (before > 0) _ = UnixCalls.Unmap(start, before);
        if (after > 0) _ = UnixCalls.Unmap(aligned + (nint)bytes, after);
        return aligned;
    }

    public bool TryCommit(nint address, nuint bytes) =>
        UnixCalls.Protect(address, bytes, UnixCalls.ProtectReadWrite) == 0;

    public void Decommit(nint address, nuint bytes)
    {
        // macOS ignores the first for private memory.
        int result = UnixCalls.Advise(address, bytes, s_isLinux ? AdviseNotNeeded : AdviseFree);
        Debug.Assert(result == 0 || !s_isLinux, "What was committed can be given back.");
    }

    public void Release(nint address, nuint bytes) => _ = UnixCalls.Unmap(address, bytes);

    // A system without huge pages refuses, and that is all the same.
    public void PreferHugePages(nint address, nuint bytes)
    {
        if (s_isLinux) _ = UnixCalls.Advise(address, bytes, AdviseHugePages);
    }
}
