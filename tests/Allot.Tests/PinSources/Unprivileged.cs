using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Allot.Tests.PinSources;

/// <summary>Code as an ordinary user runs it, in this process: a thread of its own without CAP_IPC_LOCK, or of a user that
/// nobody else is, and a limit on locked memory. Capabilities and users are the thread's; the limit is the process's, and
/// is put back.</summary>
internal static unsafe partial class Unprivileged
{
    private const int LimitMemoryLock = 8, CapabilityIpcLock = 14, SetDumpable = 4;
    private const int FirstUser = 100_000;
    private const nint SetUserNumber = 117;   // setresuid, of the calling thread alone, on x86-64
    private const uint CapabilityVersion3 = 0x20080522;

    /// <summary>Skips where this cannot be done.</summary>
    public static void Require() =>
        Assert.SkipUnless(OperatingSystem.IsLinux() && GetUser() == 0, "Giving privileges up needs root.");

    public static void Run(long limitPages, Action action) => RunWith(limitPages, DropLockCapability, action);

    /// <summary>The same as a user that has nothing locked or pinned yet.</summary>
    public static void RunAsUser(long limitPages, Action action)
    {
        int user = FirstUser + Environment.ProcessId;   // that of no other run of the tests either
        Assert.SkipUnless(RuntimeInformation.ProcessArchitecture == Architecture.X64, "The number of the call is that of x86-64.");
        RunWith(limitPages, () => Assert.Equal(0, SystemCall(SetUserNumber, user, user, user)), action);

        // Changing users has made the process one that cannot be looked at.
        Assert.Equal(0, ProcessControl(SetDumpable, 1, 0, 0, 0));
    }

    /// <summary>Changes the limit inside of a run.</summary>
    public static void SetLimit(long limitPages)
    {
        Limit limit;
        Assert.Equal(0, GetLimit(LimitMemoryLock, &limit));
        limit = limit with { Current = (ulong)(limitPages * KernelPins.Page) };
        Assert.Equal(0, SetLimit(LimitMemoryLock, &limit));
    }

    private static void RunWith(long limitPages, Action giveUp, Action action)
    {
        Limit before, limit;
        Assert.Equal(0, GetLimit(LimitMemoryLock, &before));
        limit = before with { Current = (ulong)(limitPages * KernelPins.Page) };
        Assert.Equal(0, SetLimit(LimitMemoryLock, &limit));
        try
        {
            ExceptionDispatchInfo? failure = null;
            var thread = new Thread(() =>
            {
                try
                {
                    giveUp();
                    action();
                }
                catch (Exception thrown)
                {
                    failure = ExceptionDispatchInfo.Capture(thrown);
                }
            });
            thread.Start();
            thread.Join();
            failure?.Throw();
        }
        finally
        {
            _ = SetLimit(LimitMemoryLock, &before);
        }
    }

    private static void DropLockCapability()
    {
        (uint Version, int Thread) header = (CapabilityVersion3, 0);
        uint* sets = stackalloc uint[6];
        Assert.Equal(0, GetCapabilities(&header, sets));
        sets[0] &= ~(1u << CapabilityIpcLock);
        Assert.Equal(0, SetCapabilities(&header, sets));
        Assert.False(MemoryLockLimit.OfProcess.IsBypassed);
    }

    private record struct Limit(ulong Current, ulong Max);

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int GetLimit(int resource, Limit* limit);

    [LibraryImport("libc", EntryPoint = "setrlimit")]
    private static partial int SetLimit(int resource, Limit* limit);

    [LibraryImport("libc", EntryPoint = "capget")]
    private static partial int GetCapabilities((uint, int)* header, uint* sets);

    [LibraryImport("libc", EntryPoint = "capset")]
    private static partial int SetCapabilities((uint, int)* header, uint* sets);

    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint GetUser();

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint SystemCall(nint number, nint first, nint second, nint third);

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int ProcessControl(int option, nuint second, nuint third, nuint fourth, nuint fifth);
}
