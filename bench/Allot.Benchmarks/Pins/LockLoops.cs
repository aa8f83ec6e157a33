// Locking pages, by the bare calls and with a group that pays. Every loop has pages of its own, which are there already:
// what is measured is the lock and not the first touch.

using System.Runtime.InteropServices;

namespace Allot.Benchmarks.Pins;

internal static partial class LockLoops
{
    private const long LimitBytes = 1L << 40;

    /// <summary>The system calls and nothing else.</summary>
    public static Action<int> Bare(int bytes)
    {
        nint pages = Pages(bytes);
        return count =>
        {
            for (int i = 0; i < count; i++)
            {
                Require(Lock(pages, (nuint)bytes) == 0);
                Require(Unlock(pages, (nuint)bytes) == 0);
            }
        };
    }

    /// <summary>An account of a group at depth 3, and no lock.</summary>
    public static Action<int> Account(int bytes)
    {
        var account = new PinAccount(Leaf(), new() { Kind = PinKind.Locked, Source = PinSource.MemoryLock });
        return count =>
        {
            for (int i = 0; i < count; i++)
            {
                Require(account.TryPin(bytes, out _));
                account.Unpin(bytes);
            }
        };
    }

    /// <summary>The same with a group at depth 3 that pays.</summary>
    public static Action<int> Charged(int bytes)
    {
        nint pages = Pages(bytes);
        var locker = new MemoryLocker(Leaf());
        return count =>
        {
            for (int i = 0; i < count; i++)
            {
                Require(locker.TryLock(pages, bytes, MemoryLockMode.Now, out _));
                locker.Unlock(pages, bytes);
            }
        };
    }

    private static MemoryGroup Leaf()
    {
        var limits = new MemoryGroupOptions { PinsMaxBytes = LimitBytes };
        return new MemoryController(limits).Root.CreateChild("a", limits).CreateChild("b", limits);
    }

    private static unsafe nint Pages(int bytes)
    {
        byte* pages = (byte*)NativeMemory.AlignedAlloc((nuint)bytes, (nuint)Environment.SystemPageSize);
        new Span<byte>(pages, bytes).Clear();
        return (nint)pages;
    }

    private static void Require(bool done)
    {
        if (!done) throw new InvalidOperationException("Memory could not be locked: raise 'ulimit -l'.");
    }

    [LibraryImport("libc", EntryPoint = "mlock")]
    private static partial int Lock(nint address, nuint bytes);

    [LibraryImport("libc", EntryPoint = "munlock")]
    private static partial int Unlock(nint address, nuint bytes);
}
