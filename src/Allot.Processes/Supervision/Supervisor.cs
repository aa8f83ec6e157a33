// The supervisor: answers intercepted calls, one at a time (AnsweringThreads has the turns), and reads what the kernel
// measured on a thread of its own.
//
// Every answer is "go on" or the error that the call itself gives when memory is short. A call is charged before the
// answer is sent. If the answer reaches nobody (the thread died, or a signal took it out of the call and the kernel
// will ask again), the charge is undone. _gate serialises the limits: an answering thread holds it per call, the
// sampling thread per sample, and whoever reads or ends the supervisor.
//
// If this process dies, the kernel closes the listener, and intercepted calls fail with ENOSYS: closed, not open.

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

    private readonly Lock _gate = new();
    private readonly Action _beforeSlowWork;
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
    private AnsweringThreads? _answering;
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
        _beforeSlowWork = () => _answering?.BeforeSlowWork();
        _pins = new PinLimit(parts.Group, parts.Members, _beforeSlowWork);
        if (parts.Cgroup is not { CountsKernelBytes: true } cgroup) return;
        _kernel = new KernelLimit(parts.Group, cgroup, _beforeSlowWork);
    }

    /// <summary>Calls refused because of kernel memory, and because of pins.</summary>
    public long KernelRefusals { get; private set; }

    public long PinRefusals { get; private set; }

    /// <summary>Answers the calls of a listener from here on, and samples. Call once; null when nothing is intercepted.
    /// </summary>
    public void Start(SeccompListener? listener)
    {
        _listener = listener;
        if (listener is not null)
        {
            _answering = new AnsweringThreads(listener.TryReceive, Answer);
            _answering.Start();
        }

        _sampling = new Thread(Sample) { Name = "allot samples", IsBackground = true };
        _sampling.Start();
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
        _answering?.Join();
        _sampling?.Join();
        _listener?.Dispose();
        lock (_gate)
        {
            _kernel?.Release();
            _pins.Dispose();
            _user.Set(0);
        }
    }

    private void Answer(in SeccompNotification call, long receivedAt)
    {
        if (!_gate.TryEnter())
        {
            _beforeSlowWork();   // a sample is being taken
            _gate.Enter();
        }

        try
        {
            int errno = Decide(call);
            SendResult sent = errno == 0 ? _listener!.Continue(call.Id) : _listener!.Fail(call.Id, errno);
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
            long bytes = rule.Estimate(call, _beforeSlowWork);
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
