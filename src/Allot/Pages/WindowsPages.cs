// Address space by VirtualAlloc, which reserves at multiples of 64 KiB, one of our units. What is decommitted is not
// charged to the process any more, and cannot be touched; MEM_RESET would leave both as they are.

using System.Runtime.InteropServices;

namespace Allot;

internal sealed partial class WindowsPages : IPageSource
{
    private const uint MemCommit = 0x1000, MemReserve = 0x2000, MemDecommit = 0x4000, MemRelease = 0x8000;
    private const uint PageNoAccess = 1, PageReadWrite = 4;

    public nint Reserve(nuint bytes) => VirtualAlloc(0, bytes, MemReserve, PageNoAccess);

    public bool TryCommit(nint address, nuint bytes) => VirtualAlloc(address, bytes, MemCommit, PageReadWrite) != 0;

    public void Decommit(nint address, nuint bytes) => _ = VirtualFree(address, bytes, MemDecommit);

    public void Release(nint address, nuint bytes) => _ = VirtualFree(address, 0, MemRelease);

    [LibraryImport("kernel32")]
    private static partial nint VirtualAlloc(nint address, nuint bytes, uint type, uint protection);

    [LibraryImport("kernel32")]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool VirtualFree(nint address, nuint bytes, uint type);
}
