using System.Runtime.InteropServices;

namespace Allot.Processes.Native;

/// <summary>System V shared memory segments of our own IPC namespace.</summary>
internal static unsafe partial class SharedMemory
{
    private const int IpcStat = 2;
    private const int LockedMode = 0x400;   // SHM_LOCKED, in octal 02000
    private const ulong LargestBytes = 1UL << 45;

    /// <summary>What a segment is now.</summary>
    public static Segment Read(int segmentId)
    {
        SegmentData data;
        if (ShmCtl(segmentId, IpcStat, &data) < 0)
        {
            return new Segment(Errno.Last == Errno.EACCES ? SegmentState.NotOurs : SegmentState.Gone, 0);
        }

        ulong page = (ulong)Environment.SystemPageSize;
        ulong bytes = (Math.Min(data.Bytes, LargestBytes) + page - 1) / page * page;
        return new Segment((data.Mode & LockedMode) != 0 ? SegmentState.Locked : SegmentState.Unlocked, (long)bytes);
    }

    [LibraryImport("libc", EntryPoint = "shmctl", SetLastError = true)]
    private static partial int ShmCtl(int segmentId, int command, SegmentData* data);

    internal enum SegmentState
    {
        Unlocked,

        /// <summary>SHM_LOCK is in force.</summary>
        Locked,

        /// <summary>It exists, and its owner lets us not look at it.</summary>
        NotOurs,

        /// <summary>There is none of that number.</summary>
        Gone,
    }

    /// <param name="State">What can be known of it.</param>
    /// <param name="Bytes">Whole pages; 0 when it cannot be looked at.</param>
    internal readonly record struct Segment(SegmentState State, long Bytes);

    // struct shmid_ds of 64-bit Linux: ipc_perm is 48 bytes, of which the mode is at 20; the size follows.
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct SegmentData
    {
        [FieldOffset(20)] public uint Mode;
        [FieldOffset(48)] public ulong Bytes;
    }
}
