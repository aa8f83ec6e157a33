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

    private static readonly Lazy<(ulong Id, string WhyNot)> s_id = new(FindId);

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
        (ulong id, why) = s_id.Value;
        if (id == 0) return null;
        ulong* attributes = stackalloc ulong[Attributes];
        attributes[0] = TypeTracepoint | ((ulong)(Attributes * sizeof(ulong)) << 32);
        attributes[1] = id;
        nint open = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? OpenOnArm64 : OpenOnX64;
        int file = (int)LibCall(open, (nint)attributes, 0, -1, -1, 0);   // this thread, on any processor
        why = $"The kernel lets us count no system calls: error {Marshal.GetLastPInvokeError()}.";
        return file >= 0 ? new SystemCallCounter(file) : null;
    }

    /// <summary>Calls so far, those of this counter included: one for each time that it was read. Nothing is allocated
    /// for that: the heap of the collector would grow, by a system call that is counted.</summary>
    public long Read()
    {
        long count;
        if (LibRead(_file, &count, sizeof(long)) != sizeof(long)) Assert.Fail("The counter cannot be read.");
        return count;
    }

    public void Dispose() => _ = LibClose(_file);

    private static (ulong Id, string WhyNot) ReadId()
    {
        string whyNot = "";
        foreach (string path in s_idPaths)
        {
            try
            {
                return (ulong.Parse(File.ReadAllText(path), CultureInfo.InvariantCulture), "");
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                whyNot = $"The tracepoint of system calls cannot be read, which takes root: {failure.Message}";
            }
        }

        return (0, whyNot);
    }

    // Where no tracefs is mounted, a thread mounts one that nobody else sees and that goes with it.
    private static (ulong Id, string WhyNot) FindId()
    {
        (ulong Id, string WhyNot) found = ReadId();
        if (found.Id != 0) return found;
        var thread = new Thread(() =>
        {
            const int NewMounts = 0x20000;
            const nuint PrivateBelow = 0x44000;
            bool isMounted = LibUnshare(NewMounts) == 0
                && LibMount("none", "/", null, PrivateBelow, 0) == 0
                && LibMount("nodev", "/sys/kernel/tracing", "tracefs", 0, 0) == 0;
            if (isMounted) found = ReadId();
        });
        thread.Start();
        thread.Join();
        return found;
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint LibCall(nint number, nint first, nint second, nint third, nint fourth, nint fifth);

    // It returns at once; and a thread that does not leave managed code for it is not stopped on its way back.
    [LibraryImport("libc", EntryPoint = "read"), SuppressGCTransition]
    private static partial nint LibRead(int file, long* buffer, nuint bytes);

    [LibraryImport("libc", EntryPoint = "unshare")]
    private static partial int LibUnshare(int flags);

    [LibraryImport("libc", EntryPoint = "mount", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int LibMount(string source, string target, string? type, nuint flags, nint data);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int LibClose(int file);
}
