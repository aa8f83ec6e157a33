using System.Runtime.InteropServices;

namespace Allot;

/// <summary>What Unix has for address space: see mmap(2), munmap(2), mprotect(2), madvise(2).</summary>
internal static partial class UnixCalls
{
    public const int ProtectNone = 0, ProtectRead = 1, ProtectReadWrite = 3;

    /// <summary>What <see cref="MapNothing"/> returns when it has not.</summary>
    public const nint NotMapped = -1;

    private const int MapPrivate = 2;

    private static readonly bool s_isLinux = OperatingSystem.IsLinux() || OperatingSystem.IsAndroid();
    private static readonly int s_mapAnonymous = s_isLinux ? 0x20 : 0x1000;
    private static readonly int s_mapNoReserve = s_isLinux ? 0x4000 : 0x40;

    /// <summary>Maps new pages that nothing may touch.</summary>
    /// <returns>Where, or <see cref="NotMapped"/>.</returns>
    public static nint MapNothing(nuint bytes) => Map(0, bytes, ProtectNone, MapPrivate | s_mapAnonymous, -1, 0);

    /// <summary>The same, and the system sets no memory aside for them.</summary>
    /// <returns>Where, or <see cref="NotMapped"/>.</returns>
    public static nint MapNothingUnreserved(nuint bytes) =>
        Map(0, bytes, ProtectNone, MapPrivate | s_mapAnonymous | s_mapNoReserve, -1, 0);

    [LibraryImport("libc", EntryPoint = "munmap")]
    public static partial int Unmap(nint address, nuint bytes);

    [LibraryImport("libc", EntryPoint = "mprotect")]
    public static partial int Protect(nint address, nuint bytes, int protection);

    [LibraryImport("libc", EntryPoint = "madvise")]
    public static partial int Advise(nint address, nuint bytes, int advice);

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint bytes, int protection, int flags, int file, nint offset);
}
