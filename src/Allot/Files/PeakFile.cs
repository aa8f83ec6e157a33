namespace Allot;

/// <summary>The most that was in use: ever, or since this handle was written to.</summary>
internal abstract class PeakFile(MemoryGroup group, string name) : GroupFile(group, name)
{
    private readonly Lock _lock = new();
    private PeakReader? _sinceWritten;
    private bool _closed;

    public sealed override bool CanWrite => true;

    private protected override string Advice => "Write anything to start this handle's peak from what is in use now.";

    private protected abstract MemoryCounter Counter { get; }

    private protected sealed override string ReadCore()
    {
        long ever = Counter.PeakBytes;
        lock (_lock) return FileText.Number(_sinceWritten?.PeakBytes ?? ever);
    }

    private protected sealed override long WriteCore(string text)
    {
        if (text.Length == 0) throw Invalid(text, "is empty");
        lock (_lock)
        {
            if (_closed) return 0;
            _sinceWritten ??= Counter.OpenPeak();
            _sinceWritten.Reset();
        }

        return 0;
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
