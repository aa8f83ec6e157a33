// One process that locks or pins: what /proc showed last, and what its calls in flight may add.
//
// charged == seen, when nothing is in flight; otherwise max(seen, base + in flight), where *base* is what was seen when
// the calls in flight last changed. So a call whose effect shows already is not counted twice, and one that has not
// begun is counted in full.

using System.Diagnostics;
using Allot.Processes.Native;
using Allot.Processes.Observation;

namespace Allot.Processes.Supervision;

/// <summary>The pins of one process. Not thread-safe.</summary>
internal sealed class PinningProcess
{
    private const int RangesMax = 1024;
    private const int IpcLockCapability = 14;

    private readonly List<AddressRange> _allowedRanges = [];
    private readonly List<AddressRange> _lockedRanges = [];
    private readonly Action _beforeLongWork;
    private ProcessStatus _status;
    private readonly Part _locked = new();
    private readonly Part _pinned = new();
    private bool _rangesOverflowed;

    /// <param name="start">Which process.</param>
    /// <param name="beforeLongWork">Called before work that takes longer than a few microseconds.</param>
    public PinningProcess(ProcessStart start, Action beforeLongWork)
    {
        Start = start;
        _beforeLongWork = beforeLongWork;
    }

    public ProcessStart Start { get; }

    public long LockedBytes => _status.LockedBytes;

    public long PinnedBytes => _status.PinnedBytes;

    public long VirtualBytes => _status.VirtualBytes;

    public long ChargedLockedBytes => _locked.Charged;

    public long ChargedPinnedBytes => _pinned.Charged + InvisibleBytes;

    /// <summary>Pinned bytes that no file shows: kept until the process ends.</summary>
    public long InvisibleBytes { get; set; }

    /// <summary>Takes in what /proc shows now. The thread named has ended its call, if it had one.</summary>
    public void Settle(in ProcessStatus status, int endedThreadId)
    {
        _status = status;
        _locked.Settle(status.LockedBytes, endedThreadId);
        _pinned.Settle(status.PinnedBytes, endedThreadId);
    }

    /// <summary>Takes in what /proc shows now, and asks after every call in flight.</summary>
    /// <returns>False when the process is gone.</returns>
    public bool Refresh()
    {
        // First who is done, then the reading: what is done by now, the reading shows.
        _locked.EndFinished();
        _pinned.EndFinished();
        if (!Start.IsStillThere() || !ProcessStatus.TryRead(Start.Pid, out ProcessStatus status)) return false;
        Settle(status, endedThreadId: 0);
        return status.HasMemory;
    }

    public void Add(int threadId, int callNumber, PinRequest request)
    {
        Remember(request.Range);
        if (request.Bytes == 0) return;
        (request.Kind == PinKind.Locked ? _locked : _pinned).Add(threadId, callNumber, request.Bytes);
    }

    public void Cancel(int threadId)
    {
        _locked.Cancel(threadId);
        _pinned.Cancel(threadId);
    }

    public void Forget(AddressRange released)
    {
        _allowedRanges.RemoveAll(range => range.Start >= released.Start && range.End <= released.End);
        if (released == AddressRange.Everything) _rangesOverflowed = false;
    }

    /// <summary>Bytes of whole pages in the range that are not locked yet: what locking it would add.</summary>
    /// <remarks>Exact, by way of smaps, when the range touches one that was locked before; otherwise the whole range,
    /// which is then exact too unless something locked it that needs no intercepted call.</remarks>
    public long UnlockedBytesWithin(AddressRange range)
    {
        long whole = Math.Min(range.LengthBytes, MemoryGroup.MaxChargeBytes);
        if (LockedBytes == 0 || !TouchesAllowed(range)) return whole;
        return ReadLockedRanges()
            ? Math.Min(whole, LockedRanges.UnlockedBytesWithin(_lockedRanges, range))
            : whole;
    }

    public bool IsLockedAt(ulong address)
    {
        if (LockedBytes == 0) return false;
        if (!ReadLockedRanges()) return true;
        return _lockedRanges.Exists(range => range.Start <= address && address < range.End);
    }

    /// <summary>Whether the kernel will refuse by RLIMIT_MEMLOCK what we allow.</summary>
    public bool ExceedsOwnLimit(long bytes)
    {
        if ((_status.EffectiveCapabilities & (1UL << IpcLockCapability)) != 0) return false;
        return ResourceLimits.TryRead(Start.Pid, LibC.RLIMIT_MEMLOCK, out ulong softBytes)
            && (ulong)LockedBytes + (ulong)bytes > softBytes;
    }

    private bool ReadLockedRanges()
    {
        _beforeLongWork();
        return LockedRanges.Read(Start.Pid, _lockedRanges);
    }

    private void Remember(AddressRange range)
    {
        if (range.LengthBytes == 0) return;
        if (_allowedRanges.Count == RangesMax)
        {
            _allowedRanges.Clear();
            _rangesOverflowed = true;
        }

        _allowedRanges.Add(range);
    }

    private bool TouchesAllowed(AddressRange range) =>
        _rangesOverflowed || _allowedRanges.Exists(known => known.Start < range.End && range.Start < known.End);

    private sealed class Part
    {
        private readonly InFlightCalls _inFlight = new();
        private long _seen;
        private long _base;

        public long Charged => _inFlight.Count == 0 ? _seen : Math.Max(_seen, _base + _inFlight.Bytes);

        public void Settle(long seenBytes, int endedThreadId)
        {
            _seen = seenBytes;
            bool ended = _inFlight.End(endedThreadId) != 0;
            if (seenBytes >= _base + _inFlight.Bytes) _inFlight.Clear();   // all of it shows
            if (ended) _base = seenBytes;
        }

        public void EndFinished()
        {
            if (_inFlight.EndFinished() != 0) _base = _seen;
        }

        public void Add(int threadId, int callNumber, long bytes)
        {
            Debug.Assert(bytes > 0, "A call that adds nothing is not in flight.");
            _base = _seen;
            _inFlight.Add(threadId, callNumber, bytes);
        }

        public void Cancel(int threadId) => _inFlight.End(threadId);
    }
}
