// VirtualLock and VirtualUnlock. What a process can lock is bounded by its smallest working set, which is grown when it
// is too small. Locks do not stack there either.
//
// To unlock a range in which one page is not locked fails, and says nothing of the others. Then each page is unlocked
// by itself, as far as there is memory: what somebody has given back meanwhile was unlocked by that.

using System.Runtime.InteropServices;

namespace Allot;

internal sealed partial class WindowsMemoryLocks : IMemoryLocks
{
    private const int ErrorWorkingSetQuota = 1453, ErrorNotLocked = 158;
    private const uint MemCommit = 0x1000;

    // What a process uses besides of what it locks.
    private const nuint SpareBytes = 1 << 20;

    // Others may lock in what was made room for. Each time it is larger by all that is asked for.
    private const int GrowingsMost = 3;

    private readonly SteadyLock _growing = new();

    public int Lock(PageRange range, bool onFault)
    {
        // There is no locking on fault; all of it now is the stronger promise.
        if (VirtualLock(range.Start, (nuint)range.Bytes)) return 0;
        int error = Marshal.GetLastPInvokeError();
        return error == ErrorWorkingSetQuota ? LockInLargerWorkingSet(range) : error;
    }

    public int Unlock(PageRange range) => VirtualUnlock(range.Start, (nuint)range.Bytes) ? 0 : UnlockByPage(range);

    // One at a time: two that grow it at once would both add to what it was before.
    private int LockInLargerWorkingSet(PageRange range)
    {
        int error = ErrorWorkingSetQuota;
        using (_growing.EnterScope())
        {
            for (int i = 0; i < GrowingsMost && error == ErrorWorkingSetQuota; i++)
            {
                if (!TryGrowWorkingSet((nuint)range.Bytes)) return error;
                error = VirtualLock(range.Start, (nuint)range.Bytes) ? 0 : Marshal.GetLastPInvokeError();
            }
        }

        return error;
    }

    private static unsafe int UnlockByPage(PageRange range)
    {
        var page = (nuint)Environment.SystemPageSize;
        int firstError = 0;
        for (nuint at = range.Start; at < range.End;)
        {
            Region found;
            if (VirtualQuery(at, &found, (nuint)sizeof(Region)) == 0) return Marshal.GetLastPInvokeError();
            nuint end = nuint.Min(found.Start + found.Bytes, range.End);
            if (found.State != MemCommit) at = end;
            for (; at < end; at += page)
            {
                if (VirtualUnlock(at, page)) continue;
                int error = Marshal.GetLastPInvokeError();
                if (error != ErrorNotLocked && firstError == 0) firstError = error;
            }
        }

        return firstError;
    }

    private static bool TryGrowWorkingSet(nuint bytes)
    {
        nint process = GetCurrentProcess();
        if (!GetProcessWorkingSetSize(process, out nuint least, out nuint most)) return false;
        nuint wanted = least + bytes + SpareBytes;
        return SetProcessWorkingSetSize(process, wanted, nuint.Max(most, wanted + SpareBytes));
    }

    [LibraryImport("kernel32", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool VirtualLock(nuint address, nuint bytes);

    [LibraryImport("kernel32", SetLastError = true)]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool VirtualUnlock(nuint address, nuint bytes);

    [LibraryImport("kernel32", SetLastError = true)]
    private static unsafe partial nuint VirtualQuery(nuint address, Region* found, nuint bytes);

    [LibraryImport("kernel32")]
    private static partial nint GetCurrentProcess();

    [LibraryImport("kernel32")]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GetProcessWorkingSetSize(nint process, out nuint least, out nuint most);

    [LibraryImport("kernel32")]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool SetProcessWorkingSetSize(nint process, nuint least, nuint most);

    // MEMORY_BASIC_INFORMATION: pages in a row that are alike.
    private struct Region
    {
        public nuint Start;
        public nuint AllocatedAt;
        public uint FirstProtection;
        public nuint Bytes;
        public uint State;
        public uint Protection;
        public uint Type;
    }
}
