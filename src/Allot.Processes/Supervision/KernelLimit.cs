// Kernel memory: what the kernel measured, plus what has been allowed since.
//
// The group's Kernel counter is kept at
//
//     reading + unread + in flight
//
// where *reading* is the cgroup's own number, *in flight* the upper estimates of allowed calls that may not have
// allocated yet, and *unread* those of calls that ended after the reading was taken. A call is allowed when its
// estimate fits below the limit of the group and of every ancestor. Only when it does not fit is the kernel asked
// again: then unread becomes zero, because the new reading shows it. So the number of calls between two readings is the
// room left divided by the estimate: far from the limit thousands, at the limit one.
//
// How far use can pass the limit: by the lag of the reading (see MemoryCgroup), plus what no intercepted call creates
// (page tables of memory that is touched, contents of pipes and sockets, caches of files that are looked up).

using System.Diagnostics;
using System.Runtime.CompilerServices;
using Allot.Processes.Cgroups;
using Allot.Processes.Native;

namespace Allot.Processes.Supervision;

/// <summary>Decides over calls that create kernel memory. Not thread-safe: the supervisor serialises.</summary>
internal sealed class KernelLimit
{
    // A refusal this soon after a reclaim that did not help repeats its answer, and twice as long after each further
    // one up to the maximum: a program that retries in a loop must not turn every attempt into a walk over all caches.
    private static readonly TimeSpan s_reclaimPauseMin = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_reclaimPauseMax = TimeSpan.FromSeconds(2);

    private readonly MemoryGroup _group;
    private readonly MemoryCgroup _cgroup;
    private readonly Action _beforeSlowWork;
    private readonly InFlightCalls _inFlight = new();
    private readonly MirroredCharge _charge;
    private long _unread;
    private long _lastReclaim;
    private TimeSpan _reclaimPause;

    /// <param name="group">Whose counter is kept.</param>
    /// <param name="cgroup">What the kernel measures.</param>
    /// <param name="beforeSlowWork">Called before anything that takes longer than an answer may.</param>
    public KernelLimit(MemoryGroup group, MemoryCgroup cgroup, Action beforeSlowWork)
    {
        _group = group;
        _beforeSlowWork = beforeSlowWork;
        _cgroup = cgroup;
        _charge = new MirroredCharge(group, MemoryKind.Kernel);
    }

    /// <summary>How often the kernel was asked.</summary>
    public long Readings { get; private set; }

    /// <summary>Whether the cgroup was removed by somebody else. From then on every call is refused: nobody measures.
    /// </summary>
    public bool IsLost { get; private set; }

    /// <summary>The last reading.</summary>
    public long LastReadingBytes { get; private set; }

    /// <summary>The largest reading.</summary>
    public long PeakReadingBytes { get; private set; }

    /// <summary>Whether a call may create up to <paramref name="bytes"/> more. If so it is in flight from here
    /// on.</summary>
    [MethodImpl(AnsweringPath.Method)]
    public bool TryAllow(int threadId, int callNumber, long bytes)
    {
        bytes = Math.Min(bytes, MemoryGroup.MaxChargeBytes);   // an estimate may be of arguments that no kernel accepts
        EndCallOf(threadId);
        if (!HasRoom(bytes)) Refresh();
        if (!HasRoom(bytes)) Reclaim(bytes);
        if (IsLost || !_charge.TryAdd(bytes)) return false;
        _inFlight.Add(threadId, callNumber, bytes);
        AssertInvariants();
        return true;
    }

    /// <summary>The allowed call of this thread did not happen.</summary>
    public void Cancel(int threadId)
    {
        _charge.Set(_charge.Bytes - _inFlight.End(threadId));
    }

    /// <summary>Asks the kernel and sets the counter by its answer.</summary>
    public void Refresh()
    {
        if (IsLost) return;
        _beforeSlowWork();

        // First who is done, then the reading: what is done by now, the reading shows.
        _inFlight.EndFinished();
        ReadAgain();
    }

    /// <summary>The same in parts: after each, a thread that was asked after, calls may be decided. What the calls that
    /// are over may have added stays charged until the reading at the end.</summary>
    public IEnumerable<int> RefreshInParts()
    {
        if (IsLost) yield break;
        foreach (int threadId in _inFlight.ThreadIds())
        {
            _unread += _inFlight.EndIfFinished(threadId);
            yield return threadId;
        }

        ReadAgain();
    }

    /// <summary>Takes everything back that this limit has charged: the group ends.</summary>
    public void Release()
    {
        _inFlight.Clear();
        _charge.Set(0);
    }

    private void EndCallOf(int threadId) => _unread += _inFlight.End(threadId);

    private bool HasRoom(long bytes) => _group.Kernel.AvailableBytes >= bytes;

    private void Reclaim(long bytes)
    {
        if (IsLost || Stopwatch.GetElapsedTime(_lastReclaim) < _reclaimPause) return;
        try
        {
            _cgroup.Reclaim(ShortageOf(bytes));
        }
        catch (IOException)
        {
            // The cgroup was removed under us, as the reading finds.
        }

        Refresh();
        _lastReclaim = Stopwatch.GetTimestamp();
        _reclaimPause = HasRoom(bytes) ? TimeSpan.Zero : NextPause(_reclaimPause);
    }

    // What has to go so that this fits below every limit: more than the call itself when what needs no call has grown.
    private long ShortageOf(long bytes)
    {
        long shortage = bytes;
        for (MemoryGroup? group = _group; group is not null; group = group.Parent)
        {
            shortage = Math.Max(shortage, bytes + (group.Kernel.CurrentBytes - group.Kernel.MaxBytes));
        }

        return shortage;
    }

    private void ReadAgain()
    {
        if (!TryRead(out long reading)) return;
        Readings++;
        LastReadingBytes = reading;
        PeakReadingBytes = Math.Max(PeakReadingBytes, reading);
        _unread = 0;
        _charge.Set(reading + _inFlight.Bytes);
        AssertInvariants();
    }

    // The kernel has no number any more once somebody has moved the members away and removed the cgroup.
    private bool TryRead(out long reading)
    {
        try
        {
            reading = _cgroup.ReadKernelBytes();
            return true;
        }
        catch (IOException)
        {
            IsLost = true;
            reading = 0;
            return false;
        }
    }

    private static TimeSpan NextPause(TimeSpan pause)
    {
        if (pause == TimeSpan.Zero) return s_reclaimPauseMin;
        return 2 * pause < s_reclaimPauseMax ? 2 * pause : s_reclaimPauseMax;
    }

    private void AssertInvariants()
    {
        Debug.Assert(_unread >= 0, "What ended since the reading is not negative.");
        Debug.Assert(
            _charge.Bytes == LastReadingBytes + _unread + _inFlight.Bytes,
            "The counter is the reading, what ended since, and what is in flight.");
    }
}
