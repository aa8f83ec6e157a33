using System.Runtime.InteropServices;

namespace Allot.Processes.Native;

/// <summary>System V shared memory segments of our own IPC namespace.</summary>
internal static unsafe partial class SharedMemory
{
    private const int IpcStat = 2;
    private const int LockedMode = 0x400;   // SHM_LOCKED, in octal 02000

    /// <summary>What a segment is now. False when it is gone, or not ours to look at.</summary>
    public static bool TryRead(int segmentId, out Segment segment)
    {
        segment = default;
        SegmentData data;
        if (ShmCtl(segmentId, IpcStat, &data) < 0) return false;
        ulong page = (ulong)Environment.SystemPageSize;
        ulong bytes = (data.Bytes + page - 1) / page * page;
        segment = new Segment((long)Math.Min(bytes, 1UL << 46), (data.Mode & LockedMode) != 0);
        return true;
    }

    [LibraryImport("libc", EntryPoint = "shmctl", SetLastError = true)]
    private static partial int ShmCtl(int segmentId, int command, SegmentData* data);

    /// <param name="Bytes">Whole pages.</param>
    /// <param name="IsLocked">Whether SHM_LOCK is in force.</param>
    internal readonly record struct Segment(long Bytes, bool IsLocked);

    // struct shmid_ds of 64-bit Linux: ipc_perm is 48 bytes, of which the mode is at 20; the size follows.
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct SegmentData
    {
        [FieldOffset(20)] public uint Mode;
        [FieldOffset(48)] public ulong Bytes;
    }
}
