using System.Diagnostics;
using System.Globalization;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Allot.Tests.Scopes;

/// <summary>Row B36: the flag by which a process says that it serves input and output (PR_SET_IO_FLUSHER) is the
/// kernel's, which keeps it for a thread and shows it among the flags of that. Scopes neither read nor write it.</summary>
public sealed partial class IoFlusherTests
{
    private const int Set = 57;
    private const int NotPermitted = 1, Invalid = 22;
    private const ulong NoIoFlag = 0x80000;   // PF_MEMALLOC_NOIO

    [Fact]
    public void B36_the_flag_of_a_process_that_serves_io_is_the_kernels_and_scopes_leave_it_alone()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the flag is one of Linux");
        OnThreadOfItsOwn(() =>
        {
            Assert.False(IsSet("/proc/thread-self/stat"));
            using (AllocationScope.NoIo()) Assert.False(IsSet("/proc/thread-self/stat"));
            int error = Prctl(1);
            if (error == NotPermitted)   // nor does a scope need the privilege (CAP_SYS_RESOURCE)
            {
                Assert.False(IsSet("/proc/thread-self/stat"));
                return;
            }

            Assert.Equal(0, error);
            Assert.Equal(AllocationRestrictions.None, AllocationContext.Restrictions);
            using (AllocationScope.NoIo()) Assert.True(IsSet("/proc/thread-self/stat"));
            Assert.True(IsSet("/proc/thread-self/stat"));
            Assert.True(IsSetIn(Child()));   // over fork and exec
            Assert.Equal((Invalid, Invalid), (Prctl(2), Prctl(1, more: 1)));
            Assert.Equal(0, Prctl(0));
            using (AllocationScope.NoIo()) Assert.False(IsSet("/proc/thread-self/stat"));
        });
    }

    private static string Child()
    {
        var start = new ProcessStartInfo("cat", ["/proc/self/stat"]) { RedirectStandardOutput = true };
        using Process child = Process.Start(start)!;
        string stat = child.StandardOutput.ReadToEnd();
        child.WaitForExit();
        return stat;
    }

    private static bool IsSet(string path) => IsSetIn(File.ReadAllText(path));

    // The seventh field after the name, which ends with the last parenthesis.
    private static bool IsSetIn(string stat)
    {
        string flags = stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[6];
        return (ulong.Parse(flags, CultureInfo.InvariantCulture) & NoIoFlag) != 0;
    }

    private static void OnThreadOfItsOwn(Action action)
    {
        Exception? thrown = null;
        var thread = new Thread(() => thrown = Record.Exception(action));
        thread.Start();
        thread.Join();
        if (thrown is not null) ExceptionDispatchInfo.Throw(thrown);
    }

    private static int Prctl(nuint value, nuint more = 0) =>
        PrctlCore(Set, value, more, 0, 0) < 0 ? Marshal.GetLastPInvokeError() : 0;

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    private static partial int PrctlCore(int option, nuint value, nuint third, nuint fourth, nuint fifth);
}
