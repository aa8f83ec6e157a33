// System V segments that the group locked with SHM_LOCK. Such a lock belongs to the segment, not to a process: it
// outlives the one that asked, and VmLck never shows it.

using Allot.Processes.Native;
using Allot.Processes.Observation;

namespace Allot.Processes.Supervision;

/// <summary>The locked segments of a group. Not thread-safe.</summary>
internal sealed class LockedSegments
{
    private readonly Dictionary<int, long> _bytesById = [];
    private readonly List<int> _unlocked = [];

    public long Bytes { get; private set; }

    /// <summary>What locking the segment would add: nothing when it is locked already, or cannot be.</summary>
    /// <returns>False when its size cannot be known: it lives in another IPC namespace, or its owner hides it from us.
    /// </returns>
    public static bool TryMeasure(int threadId, int segmentId, out long bytes)
    {
        bytes = 0;
        if (!IpcNamespace.IsOurs(threadId)) return false;
        SharedMemory.Segment segment = SharedMemory.Read(segmentId);
        if (segment.State == SharedMemory.SegmentState.Unlocked) bytes = segment.Bytes;
        return segment.State != SharedMemory.SegmentState.NotOurs;
    }

    public void Add(int segmentId, long bytes)
    {
        if (_bytesById.TryAdd(segmentId, bytes)) Bytes += bytes;
    }

    public void Remove(int segmentId)
    {
        if (_bytesById.Remove(segmentId, out long bytes)) Bytes -= bytes;
    }

    /// <summary>Drops what was unlocked or removed meanwhile. What its owner has hidden since stays.</summary>
    public void Refresh()
    {
        _unlocked.Clear();
        foreach (int id in _bytesById.Keys)
        {
            if (SharedMemory.Read(id).State is SharedMemory.SegmentState.Unlocked or SharedMemory.SegmentState.Gone)
            {
                _unlocked.Add(id);
            }
        }

        foreach (int id in _unlocked) Remove(id);
    }
}
