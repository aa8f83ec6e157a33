// Locked and pinned memory of real processes.
//
// The group's Pins counter is kept at the sum, over its processes, of what /proc shows and what calls in flight may
// still add (PinningProcess), plus what only we know of: locked segments (LockedSegments), and pins whose owner died
// but whose ring lives on (OrphanPins).
//
// Every call that locks or pins is charged before it proceeds, with the bytes it would add: a range that is locked
// already adds nothing. The process is read first, so its earlier calls are settled exactly whenever it makes another.
// Releases need no call of their own: munmap, exec and exit show in /proc. When a charge does not fit, everything is
// read again before the answer is no.
//
// The kernel still applies RLIMIT_MEMLOCK to every call that we allow, so the lesser limit holds. It exempts
// CAP_IPC_LOCK from that; this limit exempts nobody.

using System.Diagnostics;
using Allot.Processes.Native;
using Allot.Processes.Observation;
using Allot.Processes.Seccomp;

namespace Allot.Processes.Supervision;

/// <summary>Decides over calls that lock or pin memory. Not thread-safe: the supervisor serialises.</summary>
internal sealed class PinLimit : IDisposable
{
    private const int ProcessesReadPerPeak = 16;
    private const int PausePerRefresh = 4;
    private const int ShortRounds = 4;         // a processor each for whoever is ready to run
    private const int WaitRoundMilliseconds = 2;
    private const int WaitRoundsMax = 16;
    private const int PausePerVainWait = 4;    // of all the time at most a fifth is waited in vain
    private static readonly TimeSpan s_peakPrecision = TimeSpan.FromMilliseconds(20);

    private readonly MemoryGroup _group;
    private readonly IMembers _members;
    private readonly Action _beforeSlowWork;
    private readonly MirroredCharge _lockedCharge;
    private readonly MirroredCharge _pinnedCharge;
    private readonly Dictionary<int, PinningProcess> _processes = [];
    private readonly LockedSegments _segments = new();
    private readonly OrphanPins _orphans = new();
    private readonly StatusFiles _statusFiles = new();
    private readonly List<int> _memberIds = [];
    private readonly List<int> _gone = [];
    private long _lastRefresh;
    private TimeSpan _refreshPause;
    private long _lastVainWait;
    private TimeSpan _vainWaitPause;

    /// <param name="group">Whose counter is kept.</param>
    /// <param name="members">Who is in it.</param>
    /// <param name="beforeSlowWork">Called before anything that takes longer than an answer may.</param>
    public PinLimit(MemoryGroup group, IMembers members, Action beforeSlowWork)
    {
        _beforeSlowWork = beforeSlowWork;
        _group = group;
        _members = members;
        _lockedCharge = new MirroredCharge(group, PinKind.Locked);
        _pinnedCharge = new MirroredCharge(group, PinKind.Pinned);
    }

    /// <summary>The most bytes locked at once.</summary>
    public long LockedPeakBytes { get; private set; }

    /// <summary>The most bytes pinned at once.</summary>
    public long PinnedPeakBytes { get; private set; }

    /// <summary>The most bytes locked and pinned at once.</summary>
    public long PeakBytes { get; private set; }

    /// <summary>Whether a call may go on. If so, what it adds is in flight from here on.</summary>
    public bool TryAllow(PinAction action, in SeccompNotification call)
    {
        _segments.EndCallOf(call.ThreadId);
        if (action is PinAction.LockSegment) return TryLockSegment(call);
        if (action is PinAction.UnlockSegment) return true;   // the next refresh sees whether it worked

        // What cannot be looked at is refused, unless it is gone: then the answer reaches nobody.
        if (!_statusFiles.TryRead(call.ThreadId, out ProcessStatus status) || Find(status) is not { } process)
        {
            return !LibC.Exists(call.ThreadId);
        }

        process.Settle(status, call.ThreadId);
        if (TakeLost(process)) RefreshOrphans();
        UpdateCharge();

        PinRequest request = PinRequest.Of(action, call, process);
        if (action is PinAction.Unlock or PinAction.UnlockAll)
        {
            process.Unlock(call.ThreadId, request.Range);
            return true;
        }

        if (action is PinAction.LockAll) process.LockFutureMappings();
        MakeRoom(request.Bytes);
        bool kernelRefuses = request.Kind == PinKind.Locked && process.ExceedsOwnLimit(request.Bytes);
        if (HasRoom(request.Bytes) && kernelRefuses) return true;
        if (!ChargeOf(request.Kind).TryAdd(request.Bytes)) return false;

        if (action == PinAction.RegisterXdpArea)
        {
            process.AddInvisible(call.ThreadId, request.Bytes);
        }
        else
        {
            process.Add(call.ThreadId, call.SyscallNumber, request);
            if (request.GrowthBytes > 0)
            {
                process.AddGrowth(call.ThreadId, call.SyscallNumber, call.Arguments[0], request.GrowthBytes);
            }
        }

        UpdateCharge();
        return true;
    }

    /// <summary>Takes everything back that this limit has charged: the group ends.</summary>
    public void Dispose()
    {
        _statusFiles.Dispose();
        _lockedCharge.Set(0);
        _pinnedCharge.Set(0);
    }

    /// <summary>The allowed call of this thread did not happen.</summary>
    public void Cancel(int threadId)
    {
        _segments.EndCallOf(threadId);
        foreach (PinningProcess process in _processes.Values) process.Cancel(threadId);
        UpdateCharge();
    }

    /// <summary>Reads every process of the group that may hold pins again.</summary>
    public void Refresh()
    {
        _beforeSlowWork();
        foreach (int pid in ReadMembers()) Discover(pid);
        RefreshKnown();
    }

    /// <summary>Reads the processes again that are known to hold pins.</summary>
    public void RefreshKnown()
    {
        long begun = Stopwatch.GetTimestamp();
        _beforeSlowWork();
        _gone.Clear();
        foreach ((int pid, PinningProcess process) in _processes)
        {
            if (!process.Refresh()) _gone.Add(pid);
            TakeLost(process);
        }

        foreach (int pid in _gone) _processes.Remove(pid);
        RefreshShared();
        _refreshPause = PausePerRefresh * Stopwatch.GetElapsedTime(begun);
    }

    /// <summary>The same in parts: after each, a process that was looked at, calls may be decided.</summary>
    /// <param name="discover">Whether to look at members that are not known to hold pins, too.</param>
    public IEnumerable<int> RefreshInParts(bool discover)
    {
        int[] known = [.. _processes.Keys];
        int[] members = discover ? ReadMembers() : [];
        foreach (int pid in known)
        {
            if (_processes.TryGetValue(pid, out PinningProcess? process)) Refresh(pid, process);
            yield return pid;
        }

        foreach (int pid in members)
        {
            if (Discover(pid)) UpdateCharge();
            yield return pid;
        }

        RefreshShared();
    }

    private bool TakeLost(PinningProcess process)
    {
        if (process.LostPinnedBytes == 0) return false;
        _orphans.OwnerDied(process.LostPinnedBytes);
        process.LostPinnedBytes = 0;
        return true;
    }

    private void RefreshOrphans()
    {
        _beforeSlowWork();
        _members.Read(_memberIds);
        _orphans.Refresh(_memberIds, _processes.Values.Sum(static process => process.PinnedBytes));
    }

    private void Refresh(int pid, PinningProcess process)
    {
        long charged = process.ChargedLockedBytes + process.ChargedPinnedBytes;
        bool isThere = process.Refresh();
        if (!isThere) _processes.Remove(pid);
        bool mayHaveOrphaned = TakeLost(process);
        if (mayHaveOrphaned) RefreshOrphans();   // before a call is charged that would find room
        bool hasChanged = charged != process.ChargedLockedBytes + process.ChargedPinnedBytes;
        if (mayHaveOrphaned || !isThere || hasChanged) UpdateCharge();
    }

    // What belongs to no one process.
    private void RefreshShared()
    {
        _segments.Refresh();
        if (_orphans.MayExist) RefreshOrphans();
        _lastRefresh = Stopwatch.GetTimestamp();
        UpdateCharge();
    }

    private int[] ReadMembers()
    {
        _members.Read(_memberIds);
        return [.. _memberIds];
    }

    // Members that lock or pin without an intercepted call: growth under MCL_FUTURE, secret memory, perf, RDMA.
    private bool Discover(int pid)
    {
        if (_processes.ContainsKey(pid) || !ProcessStatus.TryReadMemory(pid, out ProcessStatus status)) return false;
        if (status.LockedBytes + status.PinnedBytes == 0) return false;
        Find(status)?.Settle(status, endedThreadId: 0);
        return true;
    }

    private PinningProcess? Find(in ProcessStatus status)
    {
        int pid = status.ThreadGroupId;
        if (_processes.TryGetValue(pid, out PinningProcess? process)) return process;
        if (status.LockedBytes + status.PinnedBytes > 0 && FindSameMemory(pid) is { } other) return other;
        if (!ProcessStart.TryRead(pid, out ProcessStart start)) return null;
        process = new PinningProcess(start, _beforeSlowWork);
        _processes.Add(pid, process);
        return process;
    }

    // Until it executes a program, a child of vfork or posix_spawn has its parent's memory, and shows the same pins.
    private PinningProcess? FindSameMemory(int pid)
    {
        _beforeSlowWork();
        foreach ((int known, PinningProcess process) in _processes)
        {
            bool holdsPins = process.ChargedLockedBytes + process.ChargedPinnedBytes > 0;
            if (holdsPins && LibC.SharesMemory(known, pid)) return process;
        }

        return null;
    }

    private bool TryLockSegment(in SeccompNotification call)
    {
        int segmentId = (int)call.Arguments[0];
        if (!LockedSegments.TryMeasure(call.ThreadId, segmentId, out long bytes)) return false;
        MakeRoom(bytes);
        if (!_lockedCharge.TryAdd(bytes)) return false;
        _segments.Add(call.ThreadId, call.SyscallNumber, segmentId, bytes);
        UpdateCharge();
        return true;
    }

    // Before a refusal everything is read again. Before a new peak those that hold pins are, so that the peak does not
    // count a process that has ended meanwhile; when they are many, not again for a while: 20 ms, or some times as long
    // as the reading took. By so much the peak may count one that has ended.
    private void MakeRoom(long bytes)
    {
        if (!HasRoom(bytes))
        {
            Refresh();
            if (!HasRoom(bytes)) AwaitCalls(bytes);
        }
        else if (_lockedCharge.Bytes + _pinnedCharge.Bytes + bytes > PeakBytes
            && (_processes.Count <= ProcessesReadPerPeak || IsLongSinceRefresh()))
        {
            RefreshKnown();
        }
    }

    private bool IsLongSinceRefresh()
    {
        TimeSpan since = Stopwatch.GetElapsedTime(_lastRefresh);
        return since > s_peakPrecision && since > _refreshPause;
    }

    // It would fit but for calls that may be over, of threads that run: soon it shows whether they are. Everybody else
    // waits as well. So the first rounds only let others run for a moment, which is all that most calls need, and a
    // wait that did not help is followed by a pause in proportion, also when it ended because those calls took effect.
    private void AwaitCalls(long bytes)
    {
        long begun = Stopwatch.GetTimestamp();
        if (Stopwatch.GetElapsedTime(_lastVainWait, begun) < _vainWaitPause || !WouldHaveRoom(bytes)) return;
        for (int round = 0; round < ShortRounds + WaitRoundsMax && WouldHaveRoom(bytes); round++)
        {
            if (round < ShortRounds)
            {
                Thread.Yield();
            }
            else
            {
                ProcFiles.Wait([], WaitRoundMilliseconds);
            }

            RefreshKnown();
            if (HasRoom(bytes)) return;
        }

        _lastVainWait = Stopwatch.GetTimestamp();
        _vainWaitPause = PausePerVainWait * Stopwatch.GetElapsedTime(begun, _lastVainWait);
    }

    private bool WouldHaveRoom(long bytes) =>
        _group.Pins.AvailableBytes + _processes.Values.Sum(static process => process.UnseenBytes) >= bytes;

    private bool HasRoom(long bytes) => _group.Pins.AvailableBytes >= bytes;

    private MirroredCharge ChargeOf(PinKind kind) => kind == PinKind.Locked ? _lockedCharge : _pinnedCharge;

    // Brings the counter to what the parts add up to.
    private void UpdateCharge()
    {
        long locked = _segments.Bytes;
        long pinned = _orphans.Bytes;
        foreach (PinningProcess process in _processes.Values)
        {
            locked += process.ChargedLockedBytes;
            pinned += process.ChargedPinnedBytes;
        }

        _lockedCharge.Set(locked);
        _pinnedCharge.Set(pinned);
        LockedPeakBytes = Math.Max(LockedPeakBytes, locked);
        PinnedPeakBytes = Math.Max(PinnedPeakBytes, pinned);
        PeakBytes = Math.Max(PeakBytes, locked + pinned);
    }
}
