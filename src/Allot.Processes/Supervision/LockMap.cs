// Which parts of a process are locked, as far as its calls tell: what is allowed to be locked is added before the call
// runs, what it unlocks is taken away when the call is over, and calls in flight are added again when the truth is read
// from smaps, which costs milliseconds. So the map has all that is locked or may be any moment (but for what grows
// unseen), and two things follow:
//   - what is not in the map is not locked;
//   - when the bytes of the map add up to what the kernel shows (VmLck), it is the truth. Were a range taken away too
//     early, or missed, another one that was unmapped unseen could make up for it, and locking that would cost nothing.

using System.Diagnostics;
using Allot.Processes.Observation;

namespace Allot.Processes.Supervision;

/// <summary>The locked ranges of one process: ascending, not overlapping, whole pages. Not thread-safe.</summary>
internal sealed class LockMap
{
    private readonly List<AddressRange> _ranges = [];
    private readonly Dictionary<int, AddressRange> _locking = [];     // by thread, what its last call locks
    private readonly Dictionary<int, AddressRange> _unlocking = [];
    private readonly List<int> _over = [];
    private bool _isUnknown;

    /// <summary>The sum over the ranges.</summary>
    public long Bytes { get; private set; }

    /// <summary>Whether the map can be right, given what the kernel shows.</summary>
    public bool AgreesWith(long lockedBytes) => !_isUnknown && Bytes == lockedBytes;

    /// <summary>Whether the map has at least as much as the kernel shows: then what it lacks is not locked.</summary>
    public bool Covers(long lockedBytes) => !_isUnknown && Bytes >= lockedBytes;

    /// <summary>The thread's call is about to lock this; everything, when nobody says where.</summary>
    public void BeginLock(int threadId, AddressRange range)
    {
        if (range == AddressRange.Everything || range.LengthBytes > 0) _locking[threadId] = range;
        AddLocking(range);
    }

    /// <summary>The thread's call is about to unlock this.</summary>
    public void BeginUnlock(int threadId, AddressRange range) => _unlocking[threadId] = range;

    /// <summary>The thread's last call is over.</summary>
    public void End(int threadId)
    {
        _locking.Remove(threadId);
        if (!_unlocking.Remove(threadId, out AddressRange range)) return;
        if (range != AddressRange.Everything)
        {
            Remove(range);
            return;
        }

        Clear();
        foreach (AddressRange locking in _locking.Values) AddOrInvalidate(locking);
    }

    /// <summary>The thread's last call did not happen.</summary>
    public void Cancel(int threadId)
    {
        _locking.Remove(threadId);
        _unlocking.Remove(threadId);
    }

    public void Add(AddressRange range)
    {
        Remove(range);
        if (range.LengthBytes == 0) return;
        int at = _ranges.FindIndex(known => known.Start >= range.End);
        _ranges.Insert(at < 0 ? _ranges.Count : at, range);
        Bytes += range.LengthBytes;
        Validate();
    }

    public void Remove(AddressRange range)
    {
        for (int i = _ranges.Count - 1; i >= 0; i--)
        {
            AddressRange known = _ranges[i];
            if (known.Start >= range.End || range.Start >= known.End) continue;

            _ranges.RemoveAt(i);
            Bytes -= known.LengthBytes;
            Keep(i, new AddressRange(Math.Max(known.Start, range.End), known.End));
            Keep(i, new AddressRange(known.Start, Math.Min(known.End, range.Start)));
        }

        Validate();
    }

    public void Clear()
    {
        _ranges.Clear();
        Bytes = 0;
        _isUnknown = false;
    }

    /// <summary>Nothing is locked now.</summary>
    /// <param name="isInFlight">Whether the thread's call may not have taken effect yet.</param>
    public void BeginAnew(Predicate<int> isInFlight)
    {
        Clear();
        AddCallsInFlight(isInFlight);
    }

    /// <summary>Takes the ranges from smaps.</summary>
    /// <param name="pid">The process.</param>
    /// <param name="isInFlight">Whether the thread's call may not have taken effect yet.</param>
    /// <returns>False when the process is gone or may not be read; then the map is unknown.</returns>
    public bool TryReadAgain(int pid, Predicate<int> isInFlight)
    {
        Clear();
        if (!LockedRanges.Read(pid, _ranges))
        {
            _isUnknown = true;
            return false;
        }

        Bytes = _ranges.Sum(static range => range.LengthBytes);
        AddCallsInFlight(isInFlight);
        return true;
    }

    /// <summary>The bytes of the range's whole pages that are not in the map.</summary>
    public long MissingBytes(AddressRange range) => LockedRanges.UnlockedBytesWithin(_ranges, range);

    public bool Overlaps(AddressRange range) =>
        _ranges.Exists(known => known.Start < range.End && range.Start < known.End);

    public bool Contains(ulong address) => _ranges.Exists(range => range.Start <= address && address < range.End);

    private void AddCallsInFlight(Predicate<int> isInFlight)
    {
        _over.Clear();
        foreach (int threadId in _locking.Keys)
        {
            if (!isInFlight(threadId)) _over.Add(threadId);
        }

        foreach (int threadId in _over) _locking.Remove(threadId);
        foreach (AddressRange range in _locking.Values) AddOrInvalidate(range);
    }

    // What another thread is about to unlock there may be unlocked before or after: it stays in the map.
    private void AddLocking(AddressRange range)
    {
        _over.Clear();
        foreach ((int threadId, AddressRange unlocking) in _unlocking)
        {
            if (unlocking.Start < range.End && range.Start < unlocking.End) _over.Add(threadId);
        }

        foreach (int threadId in _over) _unlocking.Remove(threadId);
        AddOrInvalidate(range);
    }

    private void AddOrInvalidate(AddressRange range)
    {
        if (range == AddressRange.Everything)
        {
            _isUnknown = true;
        }
        else
        {
            Add(range);
        }
    }

    private void Keep(int at, AddressRange rest)
    {
        if (rest.LengthBytes == 0) return;
        _ranges.Insert(at, rest);
        Bytes += rest.LengthBytes;
    }

    [Conditional("DEBUG")]
    private void Validate()
    {
        long bytes = 0;
        ulong end = 0;
        foreach (AddressRange range in _ranges)
        {
            Debug.Assert(range.Start >= end, "Ranges ascend and do not overlap.");
            Debug.Assert(range.LengthBytes > 0, "No range is empty.");
            end = range.End;
            bytes += range.LengthBytes;
        }

        Debug.Assert(bytes == Bytes, "The sum is over the ranges.");
    }
}
