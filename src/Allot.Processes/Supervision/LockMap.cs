// Which parts of a process are locked, as far as its calls tell: what we allowed to be locked is added, what it
// unlocked is taken away. Unmapping and refusals by the kernel pass unseen, so the map is believed only while its bytes
// add up to what the kernel shows (VmLck); otherwise the truth is read from smaps, which costs milliseconds.

using System.Diagnostics;
using Allot.Processes.Observation;

namespace Allot.Processes.Supervision;

/// <summary>The locked ranges of one process: ascending, not overlapping, whole pages. Not thread-safe.</summary>
internal sealed class LockMap
{
    private readonly List<AddressRange> _ranges = [];
    private bool _isUnknown;

    /// <summary>The sum over the ranges.</summary>
    public long Bytes { get; private set; }

    /// <summary>Whether the map can be right, given what the kernel shows.</summary>
    public bool AgreesWith(long lockedBytes) => !_isUnknown && Bytes == lockedBytes;

    /// <summary>Something was locked, and nobody said where.</summary>
    public void Invalidate() => _isUnknown = true;

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

    /// <summary>Takes the ranges from smaps.</summary>
    /// <returns>False when the process is gone or may not be read; then the map is unknown.</returns>
    public bool TryReadAgain(int pid)
    {
        Clear();
        if (!LockedRanges.Read(pid, _ranges))
        {
            _isUnknown = true;
            return false;
        }

        Bytes = _ranges.Sum(static range => range.LengthBytes);
        return true;
    }

    /// <summary>The bytes of the range's whole pages that are not in the map.</summary>
    public long MissingBytes(AddressRange range) => LockedRanges.UnlockedBytesWithin(_ranges, range);

    public bool Contains(ulong address) => _ranges.Exists(range => range.Start <= address && address < range.End);

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
