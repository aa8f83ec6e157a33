// The supervisor: answers intercepted calls, one at a time, and reads what the kernel measured on a thread of its own.
//
// Every answer is "go on" or the error that the call itself gives when memory is short. A call is charged before the
// answer is sent. If the answer reaches nobody (the thread died, or a signal took it out of the call and the kernel
// will ask again), the charge is undone. _gate serialises the limits: an answering thread holds it per call, the
// sampling thread per sample, and whoever reads or ends the supervisor.
//
// A call that waits unreceived is taken out by any signal: a handler without SA_RESTART makes it fail with EINTR, which
// fork(2) and mlock(2) never do. Once received, only a fatal signal does that. So receiving must not wait:
//   - of two answering threads, one receives (it holds _receiving) and answers what is quick; before slow work it lets
//     go of _receiving, and the other receives meanwhile. One decides at a time (_deciding) whatever both received;
//   - both run before normal threads where that is allowed (root, CAP_SYS_NICE), and step back for slow work, so that
//     a busy group takes no processor from its neighbours.
// A few microseconds remain in which a signal can come first.
//
// If this process dies, the kernel closes the listener, and intercepted calls fail with ENOSYS: closed, not open.

using System.Collections.Concurrent;
using System.Diagnostics;
using Allot.Processes.Cgroups;
using Allot.Processes.Native;
using Allot.Processes.Seccomp;

namespace Allot.Processes.Supervision;

/// <summary>Keeps one group of processes below its limits.</summary>
internal sealed class Supervisor : IDisposable
{
    private static readonly TimeSpan s_samplePause = TimeSpan.FromMilliseconds(100);
    private const int SamplesPerDiscovery = 10;
    private const int AnsweringThreads = 2;

    [ThreadStatic] private static bool t_isAhead;   // whether this answering thread runs before normal ones

    private readonly Lock _gate = new();
    private readonly MemoryGroup _group;
    private readonly MemoryCgroup? _cgroup;
    private readonly KernelLimit? _kernel;
    private readonly PinLimit _pins;
    private readonly MirroredCharge _user;
    private readonly bool _deniesIoUring;
    private readonly CallTable? _calls;
    private readonly RefusalCounts _refusals = new();
    private readonly LatencyHistogram _latencies = new();
    private readonly ManualResetEventSlim _stop = new();
    private SeccompListener? _listener;
    private readonly Lock _receiving = new();
    private readonly Thread[] _answering = new Thread[AnsweringThreads];
    private readonly ConcurrentQueue<(SeccompNotification Call, long ReceivedAt)> _received = new();
    private readonly Lock _deciding = new();
    private Thread? _sampling;
    private long _samples;
    private IReadOnlyList<(string Kind, long Bytes)> _kernelByKind = [];
    private long _kindsReadAtBytes;

    public Supervisor(SupervisorParts parts)
    {
        _group = parts.Group;
        _cgroup = parts.Cgroup;
        _calls = parts.Calls;
        _deniesIoUring = parts.DeniesIoUring;
        _user = new MirroredCharge(parts.Group, MemoryKind.User);
        _pins = new PinLimit(parts.Group, parts.Members, BeforeSlowWork);
        if (parts.Cgroup is not { CountsKernelBytes: true } cgroup) return;
        _kernel = new KernelLimit(parts.Group, cgroup, BeforeSlowWork);
    }

    /// <summary>Calls refused because of kernel memory, and because of pins.</summary>
    public long KernelRefusals { get; private set; }

    public long PinRefusals { get; private set; }

    /// <summary>Answers the calls of a listener from here on, and samples. Call once; null when nothing is intercepted.
    /// </summary>
    public void Start(SeccompListener? listener)
    {
        _listener = listener;
        for (int i = 0; i < _answering.Length && listener is not null; i++)
        {
            _answering[i] = StartThread("allot answers", () => Answer(listener));
        }

        _sampling = StartThread("allot samples", Sample);
    }

    /// <summary>Reads everything once more.</summary>
    public void SampleNow()
    {
        lock (_gate) SampleWithGate(discover: true);
    }

    /// <summary>What was seen so far.</summary>
    public SupervisionReport Read()
    {
        lock (_gate)
        {
            return new SupervisionReport
            {
                KernelPeakBytes = _kernel?.PeakReadingBytes,
                KernelBytes = _kernel?.LastReadingBytes,
                KernelByKind = _kernelByKind,
                KernelRefusals = KernelRefusals,
                KernelReadings = _kernel?.Readings ?? 0,
                PinBytes = _group.Pins.CurrentBytes,
                PinPeakBytes = _pins.PeakBytes,
                LockedPeakBytes = _pins.LockedPeakBytes,
                PinnedPeakBytes = _pins.PinnedPeakBytes,
                PinRefusals = PinRefusals,
                Refusals = _refusals.Read(),
                Notifications = _latencies.Count,
                MedianMicroseconds = _latencies.PercentileMicroseconds(0.5),
                NinetyNinthMicroseconds = _latencies.PercentileMicroseconds(0.99),
            };
        }
    }

    /// <summary>Stops the threads and gives back what was charged. Calls intercepted from here on fail with
    /// ENOSYS.</summary>
    public void Dispose()
    {
        if (_stop.IsSet) return;
        _stop.Set();
        _listener?.Stop();
        foreach (Thread? thread in _answering) thread?.Join();
        _sampling?.Join();
        _listener?.Dispose();
        lock (_gate)
        {
            _kernel?.Release();
            _pins.Dispose();
            _user.Set(0);
        }
    }

    private static Thread StartThread(string name, ThreadStart body)
    {
        var thread = new Thread(body) { Name = name, IsBackground = true };
        thread.Start();
        return thread;
    }

    private void Answer(SeccompListener listener)
    {
        GetAhead();
        while (true)
        {
            if (!_receiving.IsHeldByCurrentThread) _receiving.Enter();
            if (!listener.TryReceive(out SeccompNotification call)) break;
            long receivedAt = Stopwatch.GetTimestamp();
            if (_received.IsEmpty && _deciding.TryEnter())
            {
                AnswerAsDecider(listener, call, receivedAt);
            }
            else
            {
                _received.Enqueue((call, receivedAt));
            }

            AnswerReceived(listener);
        }

        _receiving.Exit();
    }

    // Whoever finds the other one deciding leaves the call to it. The other looks again after it has let go of
    // _deciding, so a call that came too late for its last look is not forgotten.
    private void AnswerReceived(SeccompListener listener)
    {
        while (!_received.IsEmpty && _deciding.TryEnter())
        {
            if (_received.TryDequeue(out (SeccompNotification Call, long ReceivedAt) next))
            {
                AnswerAsDecider(listener, next.Call, next.ReceivedAt);
            }
            else
            {
                _deciding.Exit();
            }
        }
    }

    private void AnswerAsDecider(SeccompListener listener, in SeccompNotification call, long receivedAt)
    {
        try
        {
            AnswerOne(listener, call, receivedAt);
        }
        finally
        {
            _deciding.Exit();
            GetAhead();
        }
    }

    // Hands the receiving to the other thread, and the processor to whoever wants it.
    private void BeforeSlowWork()
    {
        if (_receiving.IsHeldByCurrentThread) _receiving.Exit();
        if (!t_isAhead) return;
        t_isAhead = false;
        _ = NiceLevel.TrySet(NiceLevel.Normal);
    }

    private static void GetAhead()
    {
        if (t_isAhead) return;
        t_isAhead = true;
        _ = NiceLevel.TrySet(NiceLevel.Least);
    }

    private void AnswerOne(SeccompListener listener, in SeccompNotification call, long receivedAt)
    {
        if (!_gate.TryEnter())
        {
            BeforeSlowWork();   // a sample is being taken
            _gate.Enter();
        }

        try
        {
            int errno = Decide(call);
            SendResult sent = errno == 0 ? listener.Continue(call.Id) : listener.Fail(call.Id, errno);
            if (errno == 0 && sent == SendResult.TargetGone) Undo(call.ThreadId);
            _latencies.Record((long)Stopwatch.GetElapsedTime(receivedAt).TotalNanoseconds);
        }
        finally
        {
            _gate.Exit();
        }
    }

    /// <summary>0, or the error the call fails with.</summary>
    internal int Decide(in SeccompNotification call)
    {
        if (_calls!.Find(call.SyscallNumber) is not { } intercepted) return 0;
        if (_deniesIoUring && intercepted.Name == "io_uring_setup")
        {
            _refusals.Count(intercepted.Name, Errno.ENOSYS);
            return Errno.ENOSYS;
        }

        int errno = DecideKernel(call, intercepted);
        if (errno != 0)
        {
            KernelRefusals++;
        }
        else
        {
            errno = DecidePins(call, intercepted);
            if (errno != 0)
            {
                PinRefusals++;
                _kernel?.Cancel(call.ThreadId);
            }
        }

        if (errno != 0) _refusals.Count(intercepted.Name, errno);
        return errno;
    }

    private int DecideKernel(in SeccompNotification call, InterceptedCall intercepted)
    {
        foreach (KernelCall rule in intercepted.Kernel)
        {
            if (!rule.Condition.Matches(call.Arguments)) continue;
            long bytes = rule.Estimate(call);
            return _kernel!.TryAllow(call.ThreadId, call.SyscallNumber, bytes) ? 0 : rule.RefusalErrno;
        }

        return 0;
    }

    private int DecidePins(in SeccompNotification call, InterceptedCall intercepted)
    {
        foreach (PinCall rule in intercepted.Pins)
        {
            if (!rule.Condition.Matches(call.Arguments)) continue;
            return _pins.TryAllow(rule.Action, call) ? 0 : rule.RefusalErrno;
        }

        return 0;
    }

    private void Undo(int threadId)
    {
        _kernel?.Cancel(threadId);
        _pins.Cancel(threadId);
    }

    private void Sample()
    {
        do
        {
            lock (_gate) SampleWithGate(discover: _samples % SamplesPerDiscovery == 0);
            _samples++;
        }
        while (!_stop.Wait(s_samplePause));
    }

    private void SampleWithGate(bool discover)
    {
        Debug.Assert(_gate.IsHeldByCurrentThread, "The limits are read and changed under the gate.");
        _kernel?.Refresh();
        if (discover)
        {
            _pins.Refresh();
        }
        else
        {
            _pins.RefreshKnown();
        }

        SampleUserMemory();
        SampleKinds();
    }

    // A snapshot whenever kernel memory has grown by a tenth: enough to tell what it was at the most, at little cost.
    private void SampleKinds()
    {
        if (_cgroup is null || _kernel is null or { IsLost: true }) return;
        if (_kernel.LastReadingBytes <= _kindsReadAtBytes + (_kindsReadAtBytes / 10)) return;
        _kindsReadAtBytes = _kernel.LastReadingBytes;
        _kernelByKind = _cgroup.Version == 1
            ? [.. _cgroup.ReadKernelByKind(), ("pagetables", _pins.ReadPageTableBytes())]
            : _cgroup.ReadKernelByKind();
    }

    // User memory is the kernel's own to limit; the counter shows it, so that one display has it all.
    private void SampleUserMemory()
    {
        if (_cgroup is null || _kernel is { IsLost: true }) return;
        try
        {
            _user.Set(Math.Max(0, _cgroup.ReadMemoryBytes() - _group.Kernel.CurrentBytes));
        }
        catch (IOException)
        {
            // The cgroup was removed under us: the last number stays.
        }
    }
}
