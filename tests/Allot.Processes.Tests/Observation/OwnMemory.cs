using System.Runtime.InteropServices;

namespace Allot.Processes.Tests.Observation;

/// <summary>Pages of this test process, mapped and locked by the real calls.</summary>
internal sealed unsafe partial class OwnMemory : IDisposable
{
    private const int ReadWrite = 3, PrivateAnonymous = 0x22;

    private readonly nuint _length;

    internal OwnMemory(int pages)
    {
        _length = (nuint)(pages * PageBytes);
        Address = Map(0, _length, ReadWrite, PrivateAnonymous, -1, 0);
        if (Address == -1) throw new InvalidOperationException("mmap failed.");
    }

    internal static int PageBytes => Environment.SystemPageSize;

    internal nint Address { get; }

    internal ulong PageAddress(int page) => (ulong)Address + (ulong)(page * PageBytes);

    /// <summary>False when the kernel refuses, as it does for a user with a small RLIMIT_MEMLOCK.</summary>
    internal bool TryLock(int page, int pages) => Lock((nint)PageAddress(page), (nuint)(pages * PageBytes)) == 0;

    public void Dispose() => _ = Unmap(Address, _length);

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint length, int protection, int flags, int file, long offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint length);

    [LibraryImport("libc", EntryPoint = "mlock")]
    private static partial int Lock(nint address, nuint length);
}
