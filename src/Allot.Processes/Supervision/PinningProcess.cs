// One process that locks or pins: what /proc showed last, and what its calls in flight may add.
//
// charged == seen, when nothing is in flight; otherwise max(seen, bound), where *bound* is what can be reached when all
// calls in flight take effect. A new call raises the bound by what it adds to what is locked now; a reading lowers it
// to what is seen plus all that the calls still in flight could add. Those are not the same: a call that locks what is
// locked already adds nothing, unless somebody unlocks it before the call runs; then it adds its whole range. And a
// mapping that is not locked grows without adding anything, unless somebody locks it before it grows.

using Allot.Processes.Native;
using Allot.Processes.Observation;

namespace Allot.Processes.Supervision;

/// <summary>The pins of one process. Not thread-safe.</summary>
internal sealed class PinningProcess
{
    private const int GrowthsUnpruned = 64;
    private const int IpcLockCapability = 14;
    private const int ResourceCapability = 24;

    private readonly Action _beforeSlowWork;
    private readonly LockMap _map = new();
    private readonly Part _locked = new();
    private readonly Part _pinned = new();
    private readonly Dictionary<int, (ulong Address, long Bytes)> _growths = [];
    private readonly Predicate<int> _isInFlight;
    private int _growthsPruneAt = GrowthsUnpruned;
    private bool _locksFutureMappings;
    private (int ThreadId, long Bytes) _lastInvisible;
    private ProcessStatus _status;

    public PinningProcess(ProcessStart start, Action beforeSlowWork)
    {
        Start = start;
        _beforeSlowWork = beforeSlowWork;
        _isInFlight = _locked.IsInFlight;
    }

    public ProcessStart Start { get; private set; }

    /// <summary>Bytes that were pinned and no longer show, since this was last set to 0: given back, or held by a ring
    /// that has left its process by way of exec or exit.</summary>
    public long LostPinnedBytes { get; set; }

    public long LockedBytes => _status.LockedBytes;

    public long PinnedBytes => _status.PinnedBytes;

    public long VirtualBytes => _status.VirtualBytes;

    private bool IsThreaded => _status.ThreadCount > 1;

    public long ChargedLockedBytes => _locked.Charged;

    public long ChargedPinnedBytes => _pinned.Charged + InvisibleBytes;

    /// <summary>What is charged beyond what shows: it may belong to calls that are over.</summary>
    public long UnseenBytes => _locked.Charged + _pinned.Charged - _status.LockedBytes - _status.PinnedBytes;

    /// <summary>Pinned bytes that no file shows: kept until the process ends.</summary>
    public long InvisibleBytes { get; private set; }

    /// <summary>Takes in what /proc shows now. The thread named has ended its call, if it had one.</summary>
    public void Settle(in ProcessStatus status, int endedThreadId)
    {
        long pinned = _pinned.Charged;
        _status = status;
        if (_lastInvisible.ThreadId == endedThreadId) _lastInvisible = default;
        _map.End(endedThreadId);
        _locked.Settle(status.LockedBytes, endedThreadId);
        _pinned.Settle(status.PinnedBytes, endedThreadId);
        LostPinnedBytes += Math.Max(0, pinned - _pinned.Charged);
    }

    /// <summary>Takes in what /proc shows now, and asks after every call in flight.</summary>
    /// <returns>False when the process is gone.</returns>
    public bool Refresh()
    {
        // First who is done, then the reading: what is done by now, the reading shows.
        long pinned = _pinned.Charged;
        _locked.EndFinished();
        _pinned.EndFinished();
        if (TryReadAgain(out ProcessStatus status))
        {
            Settle(status, endedThreadId: 0);
            return true;
        }

        LostPinnedBytes += pinned;
        return false;
    }

    // The number may have come to mean another process since: one that is a member, or we would not know it.
    private bool TryReadAgain(out ProcessStatus status)
    {
        if (!Start.IsStillThere())
        {
            if (!ProcessStart.TryRead(Start.Pid, out ProcessStart now))
            {
                status = default;
                return false;
            }

            Start = now;
        }

        return ProcessStatus.TryReadMemory(Start.Pid, out status);
    }

    public void Add(int threadId, int callNumber, in PinRequest request)
    {
        _map.BeginLock(threadId, request.Range);
        (request.Kind == PinKind.Locked ? _locked : _pinned).Add(threadId, callNumber, request, IsThreaded);
    }

    /// <summary>Bytes that a call pins and no file shows.</summary>
    public void AddInvisible(int threadId, long bytes)
    {
        InvisibleBytes += bytes;
        _lastInvisible = (threadId, bytes);   // nobody is cancelled but whoever was answered last
    }

    public void Cancel(int threadId)
    {
        if (_lastInvisible.ThreadId == threadId)
        {
            InvisibleBytes -= _lastInvisible.Bytes;
            _lastInvisible = default;
        }

        _map.Cancel(threadId);
        _locked.Cancel(threadId);
        _pinned.Cancel(threadId);
    }

    /// <summary>What calls in flight add when the range is locked before they run: mappings in it that grow.</summary>
    public long GrowthWithin(AddressRange range)
    {
        long bytes = 0;
        foreach ((int threadId, (ulong address, long growth)) in _growths)
        {
            if (_locked.IsGrowing(threadId) && range.Start <= address && address < range.End) bytes += growth;
        }

        return bytes;
    }

    /// <summary>Takes note of a mapping that is not locked, or not yet, and that a call makes larger.</summary>
    public void AddGrowth(int threadId, int callNumber, ulong address, long bytes)
    {
        if (!IsThreaded) return;   // nobody else can lock it meanwhile
        if (_growths.Count >= _growthsPruneAt) PruneGrowths();
        _growths[threadId] = (address, bytes);
        _locked.AddGrowth(threadId, callNumber);
    }

    /// <summary>The thread's call is about to unlock this.</summary>
    public void Unlock(int threadId, AddressRange range) => _map.BeginUnlock(threadId, range);

    /// <summary>From here on mappings may be locked without a call that says so.</summary>
    public void LockFutureMappings() => _locksFutureMappings = true;

    /// <summary>Bytes of whole pages in the range that are not locked yet: what locking it would add. Exact, unless the
    /// process may not be looked into: then the whole range.</summary>
    public long UnlockedBytesWithin(AddressRange range)
    {
        long whole = Math.Min(range.LengthBytes, MemoryGroup.MaxChargeBytes);
        if (!_locksFutureMappings && _map.Covers(LockedBytes) && !_map.Overlaps(range)) return whole;
        return KnowsLocks() ? Math.Min(whole, _map.MissingBytes(range)) : whole;
    }

    /// <summary>Whether the mapping there is locked, or may be before a call that waits for an answer runs.</summary>
    public bool MayBeLockedAt(ulong address) =>
        _locked.HasCallsInFlight || !KnowsLocks() || _map.Contains(address);

    /// <summary>Bytes in large pages of all mappings that overlap the range.</summary>
    public long LargePageBytesIn(AddressRange range)
    {
        _beforeSlowWork();
        return LargePages.BytesOfMappingsIn(Start.Pid, range);
    }

    /// <summary>Whether the kernel will refuse by RLIMIT_MEMLOCK what we allow. The soft limit does not count: the
    /// process may raise it before the call runs.</summary>
    public bool ExceedsOwnLimit(long bytes)
    {
        const ulong MayExceed = (1UL << IpcLockCapability) | (1UL << ResourceCapability);
        if ((_status.EffectiveCapabilities & MayExceed) != 0) return false;
        return ResourceLimits.TryReadHard(Start.Pid, LibC.RLIMIT_MEMLOCK, out ulong hardBytes)
            && (ulong)LockedBytes + (ulong)bytes > hardBytes;
    }

    // At most one is live for each thread; those of calls that are over may go.
    private void PruneGrowths()
    {
        foreach (int threadId in _growths.Keys)
        {
            if (!_locked.IsGrowing(threadId)) _growths.Remove(threadId);
        }

        _growthsPruneAt = Math.Max(GrowthsUnpruned, 2 * _growths.Count);
    }

    private bool KnowsLocks()
    {
        if (LockedBytes == 0) _map.BeginAnew(_isInFlight);
        if (_map.AgreesWith(LockedBytes)) return true;
        _beforeSlowWork();
        return _map.TryReadAgain(Start.Pid, _isInFlight);
    }

    private sealed class Part
    {
        private readonly InFlightCalls _adding = new();
        private readonly InFlightCalls _repeating = new();
        private readonly InFlightCalls _growing = new();
        private long _seen;
        private long _bound;

        public bool HasCallsInFlight => _adding.Count + _repeating.Count > 0;

        public long Charged => HasCallsInFlight ? Math.Max(_seen, _bound) : _seen;

        public void Settle(long seenBytes, int endedThreadId)
        {
            Cancel(endedThreadId);
            _seen = seenBytes;
            _bound = Math.Min(_bound, _seen + _adding.Bytes + _repeating.Bytes);
            if (_seen >= _bound) _adding.Clear();   // all of it shows
        }

        public void EndFinished()
        {
            _adding.EndFinished();
            _repeating.EndFinished();
            _growing.EndFinished();
        }

        public void Add(int threadId, int callNumber, in PinRequest request, bool isThreaded)
        {
            long most = Math.Max(request.Bytes, request.MostBytes);
            if (request.Bytes > 0)
            {
                _bound = Charged + request.Bytes;
                _adding.Add(threadId, callNumber, most);
            }
            else if (most > 0 && isThreaded)
            {
                _bound = Charged;
                _repeating.Add(threadId, callNumber, most);
            }
        }

        public void AddGrowth(int threadId, int callNumber) => _growing.Add(threadId, callNumber, 0);

        public bool IsInFlight(int threadId) => _adding.Contains(threadId) || _repeating.Contains(threadId);

        public bool IsGrowing(int threadId) => _growing.Contains(threadId);

        public void Cancel(int threadId)
        {
            _adding.End(threadId);
            _repeating.End(threadId);
            _growing.End(threadId);
        }
    }
}
