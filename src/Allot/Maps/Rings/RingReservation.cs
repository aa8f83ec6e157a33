namespace Allot.Maps;

/// <summary>Room for a record in the memory of a ring, which nobody reads before it is submitted. What comes after it
/// is not read either. One that is disposed and was not submitted is discarded.</summary>
public unsafe ref struct RingReservation : IDisposable
{
    private readonly byte* _record;
    private RecordChannel? _channel;

    internal RingReservation(RecordChannel channel, byte* record)
    {
        _channel = channel;
        _record = record;
    }

    /// <summary>The bytes to write; those of before are zero.</summary>
    /// <exception cref="ObjectDisposedException">It was submitted or discarded.</exception>
    public readonly Span<byte> Bytes
    {
        get
        {
            ObjectDisposedException.ThrowIf(_channel is null, typeof(RingReservation));
            return new Span<byte>(_record, (int)RecordRing.LengthOf(_record));
        }
    }

    /// <summary>Lets the consumer read the record.</summary>
    /// <param name="wakeUp">Whether the consumer is woken.</param>
    /// <exception cref="ObjectDisposedException">It was submitted or discarded.</exception>
    public void Submit(RingWakeUp wakeUp = RingWakeUp.WhenAwaited) => End(discards: false, wakeUp);

    /// <summary>Lets the consumer skip the record.</summary>
    /// <param name="wakeUp">Whether the consumer is woken.</param>
    /// <exception cref="ObjectDisposedException">It was submitted or discarded.</exception>
    public void Discard(RingWakeUp wakeUp = RingWakeUp.WhenAwaited) => End(discards: true, wakeUp);

    /// <summary>Discards the record, unless it was submitted.</summary>
    public void Dispose()
    {
        if (_channel is not null) Discard();
    }

    private void End(bool discards, RingWakeUp wakeUp)
    {
        RecordChannel? channel = _channel;
        ObjectDisposedException.ThrowIf(channel is null, typeof(RingReservation));
        _channel = null;
        channel.Commit(_record, discards, wakeUp);
        channel.Release();
    }
}
