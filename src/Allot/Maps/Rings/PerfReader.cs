namespace Allot.Maps;

/// <summary>What programs write for one index of a <see cref="PerfEventArray"/>, for one consumer.</summary>
public sealed class PerfReader
{
    private readonly RecordChannel _channel;
    private long _lostCount;

    internal PerfReader(int index, RecordChannel channel)
    {
        Index = index;
        _channel = channel;
    }

    /// <summary>The index: the number of a processor.</summary>
    public int Index { get; }

    /// <summary>The records for which there was no room.</summary>
    public long LostCount => Interlocked.Read(ref _lostCount);

    /// <summary>Reads the oldest record, in place. By one consumer at a time.</summary>
    /// <param name="record">The record; dispose it to go on. Empty when false is returned.</param>
    /// <returns>False when there is none.</returns>
    /// <exception cref="InvalidOperationException">The record before was not disposed.</exception>
    /// <exception cref="ObjectDisposedException">The reader was closed.</exception>
    public bool TryRead(out RingRecord record) => _channel.TryRead(this, out record);

    /// <summary>Waits until there is a record to read. One waits at a time.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>True when there may be one; false when the reader was closed.</returns>
    /// <exception cref="InvalidOperationException">Somebody waits already.</exception>
    public ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken = default) =>
        _channel.WaitToReadAsync(cancellationToken);

    internal int Write(ReadOnlySpan<byte> record)
    {
        if (!_channel.TryAddUser()) return MapErrors.NotFound;
        bool isWritten = _channel.TryWrite(record, RingWakeUp.WhenAwaited);
        _channel.Release();
        if (isWritten) return MapErrors.None;
        Interlocked.Increment(ref _lostCount);
        return MapErrors.NoSpace;
    }

    internal void Close()
    {
        _channel.Close();
        _channel.Release();
    }
}
