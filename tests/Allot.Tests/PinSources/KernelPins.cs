using System.Globalization;
using System.Runtime.InteropServices;

namespace Allot.Tests.PinSources;

/// <summary>What the kernel says of this process, and memory to lock. VmLck is one number for the whole process: tests
/// that compare it are in one collection, which nothing runs beside.</summary>
[CollectionDefinition(Collection, DisableParallelization = true)]
public sealed partial class KernelPins
{
    public const string Collection = "kernel pins";

    public static long Page { get; } = Environment.SystemPageSize;

    public static long VmLck => Status("VmLck:");

    public static long VmPin => Status("VmPin:");

    /// <summary>Skips where there is no io_uring.</summary>
    public static void RequireIoUring()
    {
        try
        {
            using var ring = new IoRing(new MemoryController().Root);
        }
        catch (PlatformNotSupportedException reason)
        {
            Assert.Skip(reason.Message);
        }
    }

    private static long Status(string key)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "What is locked is asked of the kernel of Linux.");
        return File.ReadLines("/proc/self/status")
            .Where(line => line.StartsWith(key, StringComparison.Ordinal))
            .Select(line => line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1])
            .Select(kibibytes => 1024 * long.Parse(kibibytes, CultureInfo.InvariantCulture))
            .Single();
    }
}

/// <summary>Pages that nobody has locked yet, and nobody else uses.</summary>
internal sealed partial class FreshPages : IDisposable
{
    private const uint CommitAndReserve = 0x3000, Decommit = 0x4000, Release = 0x8000, PageReadWrite = 4;

    private readonly SortedSet<long> _mapped = [];

    public FreshPages(long pages)
    {
        Bytes = pages * KernelPins.Page;
        Address = OperatingSystem.IsWindows()
            ? VirtualAlloc(0, (nuint)Bytes, CommitAndReserve, PageReadWrite)
            : Map(0, (nuint)Bytes, 3, 0x22, -1, 0);
        Assert.False(Address is 0 or -1);
        for (long page = 0; page < pages; page++) _mapped.Add(page);
    }

    public nint Address { get; }

    public long Bytes { get; }

    public nint At(long page) => Address + (nint)(page * KernelPins.Page);

    public void Unmap(long page, long pages)
    {
        for (long i = page; i < page + pages; i++) Assert.True(_mapped.Remove(i));
        var bytes = (nuint)(pages * KernelPins.Page);
        Assert.True(OperatingSystem.IsWindows() ? VirtualFree(At(page), bytes, Decommit) : Unmap(At(page), bytes) == 0);
    }

    // What was unmapped before may be somebody else's memory by now.
    public void Dispose()
    {
        if (OperatingSystem.IsWindows()) _ = VirtualFree(Address, 0, Release);
        else foreach (long page in _mapped) _ = Unmap(At(page), (nuint)KernelPins.Page);
        _mapped.Clear();
    }

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint bytes, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Unmap(nint address, nuint bytes);

    [LibraryImport("kernel32")]
    private static partial nint VirtualAlloc(nint address, nuint bytes, uint type, uint protection);

    [LibraryImport("kernel32")]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool VirtualFree(nint address, nuint bytes, uint type);
}
