// The supervisor: answers intercepted calls, one at a time (AnsweringThreads has the turns), and reads what the kernel
// measured on a thread of its own.
//
// Every answer is "go on" or the error that the call itself gives when memory is short. A call is charged before the
// answer is sent. If the answer reaches nobody (the thread died, or a signal took it out of the call and the kernel
// will ask again), the charge is undone. _gate serialises the limits: an answering thread holds it per call, the
// sampling thread per part of a sample (Sampler), and whoever reads or ends the supervisor. _sampling is taken before
// _gate.
//
// If this process dies, the kernel closes the listener, and intercepted calls fail with ENOSYS: closed, not open.

using System.Diagnostics;
using System.Runtime.CompilerServices;
using Allot.Processes.Native;
using Allot.Processes.Seccomp;

namespace Allot.Processes.Supervision;

/// <summary>Keeps one group of processes below its limits.</summary>
internal sealed class Supervisor : IDisposable
{
    private static readonly TimeSpan s_samplePause = TimeSpan.FromMilliseconds(100);
    private const int SamplesPerDiscovery = 10;

    private readonly Gate _gate = new();
    private readonly Lock _sampling = new();
    private readonly Action _beforeSlowWork;
    private readonly MemoryGroup _group;
    private readonly KernelLimit? _kernel;
    private readonly PinLimit _pins;
    private readonly Sampler _sampler;
    private readonly bool _deniesIoUring;
    private readonly CallTable? _calls;
    private readonly RefusalCounts _refusals = new();
    private readonly LatencyHistogram _latencies = new();
    private readonly ManualResetEventSlim _stop = new(false, spinCount: 0);   // a pause is long: no spinning before it
    private SeccompListener? _listener;
    private AnsweringThreads? _answering;
    private Thread? _samplingThread;

    public Supervisor(SupervisorParts parts)
    {
        _group = parts.Group;
        _calls = parts.Calls;
        _deniesIoUring = parts.DeniesIoUring;
        _beforeSlowWork = () => _answering?.BeforeSlowWork();
        _pins = new PinLimit(parts.Group, parts.Members, _beforeSlowWork);
        if (parts.Cgroup is { CountsKernelBytes: true } cgroup)
        {
            _kernel = new KernelLimit(parts.Group, cgroup, _beforeSlowWork);
        }

        _sampler = new Sampler(parts, _kernel, _pins);
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

        _samplingThread = new Thread(SampleUntilStopped) { Name = "allot samples", IsBackground = true };
        _samplingThread.Start();
    }

    /// <summary>Reads everything once more.</summary>
    public void SampleNow() => Sample(discover: true);

    /// <summary>What was seen so far.</summary>
    public SupervisionReport Read()
    {
        _gate.Enter();
        try
        {
            return new SupervisionReport
            {
                KernelPeakBytes = _kernel?.PeakReadingBytes,
                KernelBytes = _kernel?.LastReadingBytes,
                KernelByKind = _sampler.KernelByKind,
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
        finally
        {
            _gate.Exit();
        }
    }

    /// <summary>Stops the threads and gives back what was charged. Calls intercepted from here on fail with
    /// ENOSYS.</summary>
    public void Dispose()
    {
        if (_stop.IsSet) return;

        // From here on nobody else does it: an interrupt must not end it half done.
        Steadily.Do(_stop.Set);
        _listener?.Stop();
        Steadily.Do(() => _answering?.Join());
        Steadily.Do(() => _samplingThread?.Join());
        _listener?.Dispose();
        Steadily.Do(_gate.Enter);
        _kernel?.Release();
        _pins.Dispose();
        _sampler.Release();
        _gate.Exit();
    }

    [MethodImpl(AnsweringPath.Method)]
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
    [MethodImpl(AnsweringPath.Method)]
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

    [MethodImpl(AnsweringPath.Method)]
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

    [MethodImpl(AnsweringPath.Method)]
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

    private void SampleUntilStopped()
    {
        for (long samples = 0; !_stop.IsSet; samples++)
        {
            Sample(discover: samples % SamplesPerDiscovery == 0);
            _stop.Wait(s_samplePause);
        }
    }

    private void Sample(bool discover)
    {
        lock (_sampling)
        {
            _gate.Enter();
            try
            {
                foreach (int _ in _sampler.Parts(discover)) _gate.LetOthersGoFirst();
            }
            finally
            {
                _gate.Exit();
            }
        }
    }
}
