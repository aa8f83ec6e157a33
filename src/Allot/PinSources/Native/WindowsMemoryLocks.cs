// VirtualLock and VirtualUnlock. What a process can lock is bounded by its smallest working set, which is grown when it
// is too small. Locks do not stack there either. Not tested by this project's own machines yet.

using System.Runtime.InteropServices;

namespace Allot;

internal sealed partial class WindowsMemoryLocks : IMemoryLocks
{
    private const int ErrorWorkingSetQuota = 1453, ErrorNotLocked = 158;

    // What a process uses besides of what it locks.
    private const nuint SpareBytes = 1 << 20;

    public int Lock(PageRange range, bool onFault)
    {
        // There is no locking on fault; all of it now is the stronger promise.
        if (VirtualLock(range.Start, (nuint)range.Bytes)) return 0;
        int error = Marshal.GetLastPInvokeError();
        if (error != ErrorWorkingSetQuota || !TryGrowWorkingSet((nuint)range.Bytes)) return error;
        return VirtualLock(range.Start, (nuint)range.Bytes) ? 0 : Marshal.GetLastPInvokeError();
    }

    public int Unlock(PageRange range)
    {
        if (VirtualUnlock(range.Start, (nuint)range.Bytes)) return 0;
        int error = Marshal.GetLastPInvokeError();
        return error == ErrorNotLocked ? 0 : error;
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

    [LibraryImport("kernel32")]
    private static partial nint GetCurrentProcess();

    [LibraryImport("kernel32")]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool GetProcessWorkingSetSize(nint process, out nuint least, out nuint most);

    [LibraryImport("kernel32")]
    [return: MarshalAs(UnmanagedType.Bool)]
    private static partial bool SetProcessWorkingSetSize(nint process, nuint least, nuint most);
}
