using System.Globalization;
using System.Runtime.InteropServices;

namespace Allot.Tests.Slabs;

/// <summary>What the kernel sees of one thread: every entry into a system call, counted by its tracepoint. Belongs to
/// the thread that makes it.</summary>
internal sealed unsafe partial class SystemCallCounter : IDisposable
{
    private static readonly string[] s_idPaths =
    [
        "/sys/kernel/tracing/events/raw_syscalls/sys_enter/id",
        "/sys/kernel/debug/tracing/events/raw_syscalls/sys_enter/id",
    ];

    private readonly int _file;

    private SystemCallCounter(int file) => _file = file;

    /// <summary>Opens one for the calling thread.</summary>
    /// <param name="why">When null is returned: what is missing.</param>
    public static SystemCallCounter? TryOpen(out string why)
    {
        const nint OpenOnX64 = 298, OpenOnArm64 = 241;
        const int Attributes = 16;     // in words
        const ulong TypeTracepoint = 2;
        why = "System calls are counted by a tracepoint of Linux.";
        if (!OperatingSystem.IsLinux()) return null;
        if (!TryReadId(out ulong id, out why)) return null;
        ulong* attributes = stackalloc ulong[Attributes];
        attributes[0] = TypeTracepoint | ((ulong)(Attributes * sizeof(ulong)) << 32);
        attributes[1] = id;
        nint open = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? OpenOnArm64 : OpenOnX64;
        int file = (int)LibCall(open, (nint)attributes, 0, -1, -1, 0);   // this thread, on any processor
        why = $"The kernel lets us count no system calls: error {Marshal.GetLastPInvokeError()}.";
        return file >= 0 ? new SystemCallCounter(file) : null;
    }

    /// <summary>Calls so far, those of this counter included: one for each time that it was read.</summary>
    public long Read()
    {
        long count;
        Assert.Equal(sizeof(long), LibRead(_file, &count, sizeof(long)));
        return count;
    }

    public void Dispose() => _ = LibClose(_file);

    private static bool TryReadId(out ulong id, out string why)
    {
        id = 0;
        why = "The tracepoint of system calls cannot be read: it needs tracefs to be mounted, and root.";
        foreach (string path in s_idPaths)
        {
            try
            {
                id = ulong.Parse(File.ReadAllText(path), CultureInfo.InvariantCulture);
                return true;
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                why = $"The tracepoint of system calls cannot be read: {failure.Message}";
            }
        }

        return false;
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint LibCall(nint number, nint first, nint second, nint third, nint fourth, nint fifth);

    // It returns at once; and a thread that does not leave managed code for it is not stopped on its way back.
    [LibraryImport("libc", EntryPoint = "read"), SuppressGCTransition]
    private static partial nint LibRead(int file, long* buffer, nuint bytes);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int LibClose(int file);
}
