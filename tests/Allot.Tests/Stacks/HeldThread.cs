namespace Allot.Tests.Stacks;

/// <summary>A thread of a group that does nothing until it is let go.</summary>
internal sealed class HeldThread : IDisposable
{
    /// <summary>A size for tests. The stack can be up to four times as large: the C library uses those of ended threads
    /// again.</summary>
    public const int StackBytes = 256 << 10;

    private readonly ManualResetEventSlim _hasBegun = new(), _mayEnd = new();
    private readonly int _stackBytes;

    /// <summary>Starts it; returns when it is held.</summary>
    /// <exception cref="MemoryLimitExceededException">There is no room for it.</exception>
    public HeldThread(MemoryGroup group, int stackBytes = StackBytes)
    {
        _stackBytes = stackBytes;
        Thread = GroupThread.Start(group, new() { StackBytes = stackBytes, IsBackground = true }, Hold);
        _hasBegun.Wait();
    }

    public Thread Thread { get; }

    /// <summary>What its stack takes, as the system says on the thread itself.</summary>
    public long RealBytes { get; private set; }

    /// <summary>What is called on the thread before it ends.</summary>
    public Action? Last { get; set; }

    /// <summary>Ends it; returns when it has ended.</summary>
    public void Dispose()
    {
        _mayEnd.Set();
        Thread.Join();
        _hasBegun.Dispose();
        _mayEnd.Dispose();
    }

    private void Hold()
    {
        RealBytes = ThreadStack.MeasureOwn(_stackBytes);
        _hasBegun.Set();
        _mayEnd.Wait();
        Last?.Invoke();
    }
}
