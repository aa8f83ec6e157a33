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

    // Calls that may still lock: until one is over, a segment that shows no lock is one that has none yet.
    private readonly InFlightCalls _calls = new();
    private readonly Dictionary<int, int> _idByThread = [];

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

    /// <summary>A thread is about to lock a segment.</summary>
    /// <param name="threadId">It has ended its call before.</param>
    /// <param name="callNumber">Of the call that locks.</param>
    /// <param name="segmentId">The segment.</param>
    /// <param name="bytes">What <see cref="TryMeasure"/> has said.</param>
    public void Add(int threadId, int callNumber, int segmentId, long bytes)
    {
        if (_bytesById.TryAdd(segmentId, bytes)) Bytes += bytes;
        _calls.Add(threadId, callNumber, bytes);
        _idByThread.Add(threadId, segmentId);
    }

    /// <summary>The thread's call is over, or never happened.</summary>
    public void EndCallOf(int threadId)
    {
        if (_idByThread.Remove(threadId)) _ = _calls.End(threadId);
    }

    /// <summary>Drops what was unlocked or removed meanwhile. What its owner has hidden since stays.</summary>
    public void Refresh()
    {
        // First who is done, then the reading: what is done by now, the reading shows.
        _ = _calls.EndFinished();
        foreach (int threadId in _idByThread.Keys)
        {
            if (!_calls.Contains(threadId)) _idByThread.Remove(threadId);   // which may be done while it is walked
        }

        _unlocked.Clear();
        foreach (int id in _bytesById.Keys)
        {
            SharedMemory.SegmentState state = SharedMemory.Read(id).State;
            bool isUnlocked = state == SharedMemory.SegmentState.Unlocked && !_idByThread.ContainsValue(id);
            if (isUnlocked || state == SharedMemory.SegmentState.Gone) _unlocked.Add(id);
        }

        foreach (int id in _unlocked)
        {
            if (_bytesById.Remove(id, out long bytes)) Bytes -= bytes;
        }
    }
}
