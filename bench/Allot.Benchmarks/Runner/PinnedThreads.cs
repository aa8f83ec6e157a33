// Threads that measure inside this process, each pinned to a processor of its own.
//
// The threads are pinned, never the process: with one processor for all of it the runtime waits ten times as long before
// it optimizes, and what is then measured is code that nobody runs. The thread that asks for work sleeps meanwhile, so
// it takes no processor from those that measure.

using System.Runtime.InteropServices;

namespace Allot.Benchmarks.Runner;

/// <summary>A few threads that do work together.</summary>
internal sealed partial class PinnedThreads : IDisposable
{
    private const int MaskWords = 16;

    private readonly Worker[] _workers;
    private volatile Exception? _failure;
    private volatile Action<int>? _work;
    private int _arrivals;

    /// <summary>Starts them, on the first processors that this process may use.</summary>
    /// <param name="most">How many; fewer where there are fewer processors.</param>
    public PinnedThreads(int most)
    {
        _workers = [.. AllowedProcessors().Take(most).Select((processor, index) => new Worker(this, index, processor))];
    }

    public int Count => _workers.Length;

    /// <summary>Does work on the first threads at the same time, and returns when all are done.</summary>
    /// <param name="threads">1 to <see cref="Count"/>.</param>
    /// <param name="work">Gets the index of the thread it is on.</param>
    /// <exception cref="BenchmarkException">It failed on one of them.</exception>
    public void Run(int threads, Action<int> work)
    {
        _work = work;
        _arrivals = 0;
        for (int i = 0; i < threads; i++) _workers[i].Start.Set();
        for (int i = 0; i < threads; i++) _workers[i].Done.WaitOne();
        if (_failure is { } failure) throw new BenchmarkException($"A measuring thread failed: {failure}");
    }

    /// <summary>Called by work that runs on several threads: returns on each when all have come here. Spins, so that
    /// all go on at the same instant.</summary>
    /// <param name="threads">How many do this work.</param>
    public void Meet(int threads)
    {
        int goal = (((Interlocked.Increment(ref _arrivals) - 1) / threads) + 1) * threads;
        while (Volatile.Read(ref _arrivals) < goal)
        {
            if (_failure is not null) throw new OperationCanceledException("Another thread failed.");
            Thread.SpinWait(1);
        }
    }

    public void Dispose()
    {
        foreach (Worker worker in _workers) worker.End();
    }

    private static unsafe List<int> AllowedProcessors()
    {
        ulong* mask = stackalloc ulong[MaskWords];
        if (GetAffinity(0, MaskWords * sizeof(ulong), mask) != 0) throw Failed("sched_getaffinity");
        return [.. Allowed(new ReadOnlySpan<ulong>(mask, MaskWords))];

        static List<int> Allowed(ReadOnlySpan<ulong> words)
        {
            List<int> allowed = [];
            for (int i = 0; i < words.Length * 64; i++)
            {
                if ((words[i / 64] >> (i % 64) & 1) != 0) allowed.Add(i);
            }

            return allowed;
        }
    }

    private static unsafe void PinThisThread(int processor)
    {
        ulong* mask = stackalloc ulong[MaskWords];
        new Span<ulong>(mask, MaskWords).Clear();
        mask[processor / 64] = 1UL << (processor % 64);
        if (SetAffinity(0, MaskWords * sizeof(ulong), mask) != 0) throw Failed("sched_setaffinity");
    }

    private static BenchmarkException Failed(string call) =>
        new($"{call} failed: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}");

    [LibraryImport("libc", EntryPoint = "sched_getaffinity", SetLastError = true)]
    private static unsafe partial int GetAffinity(int thread, nint size, ulong* mask);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity", SetLastError = true)]
    private static unsafe partial int SetAffinity(int thread, nint size, ulong* mask);

    private sealed class Worker
    {
        private readonly PinnedThreads _owner;
        private readonly Thread _thread;

        public Worker(PinnedThreads owner, int index, int processor)
        {
            _owner = owner;
            _thread = new Thread(() => Work(index, processor)) { IsBackground = true, Name = $"measures {index}" };
            _thread.Start();
        }

        public AutoResetEvent Start { get; } = new(initialState: false);

        public AutoResetEvent Done { get; } = new(initialState: false);

        public void End()
        {
            _owner._work = null;
            Start.Set();
            _thread.Join();
            Start.Dispose();
            Done.Dispose();
        }

        private void Work(int index, int processor)
        {
            bool isPinned = false;
            while (true)
            {
                Start.WaitOne();
                if (_owner._work is not { } work) return;
                try
                {
                    if (!isPinned) PinThisThread(processor);
                    isPinned = true;
                    work(index);
                }
#pragma warning disable CA1031 // Whatever it is: it is thrown again where the work was asked for.
                catch (Exception failure)
#pragma warning restore CA1031
                {
                    _owner._failure ??= failure;
                }

                Done.Set();
            }
        }
    }
}
