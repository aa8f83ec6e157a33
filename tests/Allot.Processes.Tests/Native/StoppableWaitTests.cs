using System.IO.Pipes;
using Allot.Processes.Native;

namespace Allot.Processes.Tests.Native;

/// <summary>A real system call that waits, and another thread that ends it.</summary>
public sealed unsafe class StoppableWaitTests : IDisposable
{
    private readonly AnonymousPipeServerStream _pipe = new(PipeDirection.Out);
    private readonly StoppableWait _wait = new();
    private volatile int _readerId;

    public void Dispose() => _pipe.Dispose();

    [Fact]
    public void Stopping_takes_a_thread_out_of_a_read_that_has_nothing_to_read()
    {
        SkipWithoutSupport();
        int errno = 0;
        var reader = new Thread(() => errno = ReadOnce(_wait));
        reader.Start();
        Support.Wait.Until(() => IsInRead(reader));
        _wait.Stop();
        reader.Join();
        Assert.Equal(Errno.EINTR, errno);
        Assert.False(_wait.TryEnter(), "it is stopped for good");
    }

    [Fact]
    public void Nobody_stays_in_however_close_stopping_and_entering_are()
    {
        SkipWithoutSupport();
        CancellationToken end = TestContext.Current.CancellationToken;
        using var start = new Barrier(2);
        int interrupted = 0, refused = 0;
        for (int round = 0; round < 2_000; round++)
        {
            var wait = new StoppableWait();
            var reader = new Thread(() =>
            {
                start.SignalAndWait(end);
                int errno = ReadOnce(wait);
                if (errno == 0) refused++; else interrupted++;
            });
            reader.Start();
            start.SignalAndWait(end);
            for (int i = round % 50; i > 0; i--) Thread.SpinWait(20);
            wait.Stop();
            reader.Join();
        }

        Assert.Equal(2_000, interrupted + refused);
    }

    [Fact]
    public void A_thread_that_others_started_with_all_signals_blocked_is_woken()
    {
        SkipWithoutSupport();
        int errno = 0;
        var reader = new Thread(() =>
        {
            _ = LibC.SetSignalMask(ulong.MaxValue);
            errno = ReadOnce(_wait);
        });
        reader.Start();
        Support.Wait.Until(() => IsInRead(reader));
        _wait.Stop();
        reader.Join();
        Assert.Equal(Errno.EINTR, errno);
    }

    [Fact]
    public void An_interrupt_does_not_end_the_stopping()
    {
        SkipWithoutSupport();
        using var isInside = new ManualResetEventSlim();
        using var mayLeave = new ManualResetEventSlim();
        Exception? thrown = null;
        bool isInterrupted = false;
        var inside = new Thread(() =>
        {
            Assert.True(_wait.TryEnter());
            isInside.Set();
            mayLeave.Wait();
            _wait.Leave();
        });
        inside.Start();
        isInside.Wait(TestContext.Current.CancellationToken);
        var stopper = new Thread(() =>
        {
            Thread.CurrentThread.Interrupt();
            thrown = Record.Exception(_wait.Stop);
            isInterrupted = Record.Exception(static () => Thread.CurrentThread.Join(1)) is ThreadInterruptedException;
        });
        stopper.Start();
        Support.Wait.Until(() => !stopper.IsAlive || stopper.ThreadState == ThreadState.WaitSleepJoin);
        mayLeave.Set();
        inside.Join();
        stopper.Join();
        Assert.Null(thrown);
        Assert.True(isInterrupted);
    }

    private static void SkipWithoutSupport() =>
        Assert.SkipUnless(OperatingSystem.IsLinux() && StoppableWait.IsSupported, "needs a free signal");

    // 0 when the wait refused.
    private int ReadOnce(StoppableWait wait)
    {
        byte nothing;
        if (!wait.TryEnter()) return 0;
        _readerId = LibC.GetThreadId();
        nint got = LibC.Read(Descriptor, &nothing, 1);
        int errno = got < 0 ? Errno.Last : -1;
        wait.Leave();
        return errno;
    }

    // What a thread waits in: the number of the call and its arguments, the first of which is the descriptor.
    private bool IsInRead(Thread reader)
    {
        Assert.True(reader.IsAlive, "the reader has left");
        if (_readerId == 0) return false;
        string[] call = File.ReadAllText($"/proc/self/task/{_readerId}/syscall").Split(' ');
        return call.Length > 1 && call[1] == $"0x{Descriptor:x}";
    }

    private int Descriptor => (int)_pipe.ClientSafePipeHandle.DangerousGetHandle();
}
