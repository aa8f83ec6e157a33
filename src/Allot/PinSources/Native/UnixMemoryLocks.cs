// mlock, mlock2 and munlock. The error is read right after a call has failed, and not after each: the runtime keeps it
// over the return from a call, and these calls are what a lock costs.

using System.Runtime.InteropServices;

namespace Allot;

internal sealed partial class UnixMemoryLocks : IMemoryLocks
{
    private const int LockOnFault = 1, NoMemory = 12;

    public int Lock(PageRange range, bool onFault)
    {
        // mlock2 is Linux; without the flag, mlock is the same and everywhere.
        int result = onFault
            ? Lock2(range.Start, (nuint)range.Bytes, LockOnFault)
            : Lock(range.Start, (nuint)range.Bytes);
        return result == 0 ? 0 : Marshal.GetLastSystemError();
    }

    public int Unlock(PageRange range)
    {
        if (Unlock(range.Start, (nuint)range.Bytes) == 0) return 0;
        int error = Marshal.GetLastSystemError();
        return error == NoMemory ? UnlockMapped(range) : error;
    }

    // A part of it is not mapped: somebody has given it back, which has unlocked it. What is between may be most of the
    // address space, so it is not gone through page by page.
    private static int UnlockMapped(PageRange range)
    {
        if (!OperatingSystem.IsLinux()) return UnlockByPage(range);
        int firstError = 0;
        foreach (PageRange mapped in ProcessMemory.ReadMappedRanges())
        {
            if (!mapped.Overlaps(range)) continue;
            PageRange part = mapped.Shared(range);
            int error = Unlock(part.Start, (nuint)part.Bytes) == 0 ? 0 : UnlockByPage(part);
            if (firstError == 0) firstError = error;
        }

        return firstError;
    }

    // It has changed meanwhile, or the system has no room for another mapping.
    private static int UnlockByPage(PageRange range)
    {
        var page = (nuint)Environment.SystemPageSize;
        int firstError = 0;
        for (nuint at = range.Start; at < range.End; at += page)
        {
            byte isResident;
            if (Unlock(at, page) == 0) continue;
            int error = Marshal.GetLastSystemError();
            bool isMapped;
            unsafe
            {
                isMapped = Residency(at, page, &isResident) == 0;
            }

            if (isMapped && firstError == 0) firstError = error;
        }

        return firstError;
    }

    [LibraryImport("libc", EntryPoint = "mlock")]
    private static partial int Lock(nuint address, nuint bytes);

    [LibraryImport("libc", EntryPoint = "mlock2")]
    private static partial int Lock2(nuint address, nuint bytes, int flags);

    [LibraryImport("libc", EntryPoint = "munlock")]
    private static partial int Unlock(nuint address, nuint bytes);

    [LibraryImport("libc", EntryPoint = "mincore")]
    private static unsafe partial int Residency(nuint address, nuint bytes, byte* pages);
}
