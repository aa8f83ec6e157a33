namespace Allot.Maps;

/// <summary>The oldest record of a ring, in the memory of the ring, until it is disposed. Then its place is free for
/// others, and the next record can be read.</summary>
public unsafe ref struct RingRecord : IDisposable
{
    private readonly byte* _bytes;
    private readonly int _length;
    private RecordChannel? _channel;

    internal RingRecord(RecordChannel channel, byte* bytes, int length)
    {
        _channel = channel;
        _bytes = bytes;
        _length = length;
    }

    /// <summary>What was written.</summary>
    /// <exception cref="ObjectDisposedException">The record was disposed.</exception>
    public readonly ReadOnlySpan<byte> Bytes
    {
        get
        {
            ObjectDisposedException.ThrowIf(_channel is null, typeof(RingRecord));
            return new ReadOnlySpan<byte>(_bytes, _length);
        }
    }

    /// <summary>Gives the place back. Twice does nothing more.</summary>
    public void Dispose()
    {
        RecordChannel? channel = _channel;
        _channel = null;
        channel?.EndRecord();
    }
}
