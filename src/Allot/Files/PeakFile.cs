namespace Allot;

/// <summary>The most that was in use: ever, or since this handle was written to.</summary>
internal abstract class PeakFile(MemoryGroup group, string name) : ResettableFile(group, name)
{
    private readonly Lock _lock = new();
    private PeakReader? _sinceWritten;
    private bool _closed;

    private protected sealed override string Advice =>
        "Write anything to start this handle's peak from what is in use now.";

    private protected abstract MemoryCounter Counter { get; }

    /// <summary>The same; null while the group has none, which reads as 0.</summary>
    private protected abstract MemoryCounter? CounterIfAny { get; }

    private protected sealed override long Number
    {
        get
        {
            long ever = CounterIfAny?.PeakBytes ?? 0;
            lock (_lock) return _sinceWritten?.PeakBytes ?? ever;
        }
    }

    private protected sealed override void Reset()
    {
        lock (_lock)
        {
            if (_closed) return;
            _sinceWritten ??= Counter.OpenPeak();
            _sinceWritten.Reset();
        }
    }

    private protected sealed override void Close()
    {
        lock (_lock)
        {
            _closed = true;
            _sinceWritten?.Dispose();
        }
    }
}
