// What the two ring buffers share: the memory, which is held as pages, and the side that produces.
//
// The pages end with the last record or reservation that somebody holds, and only then is the group uncharged: Free
// gives up the map's own use of the channel, and the end of the channel is the end of the memory.

namespace Allot.Maps;

/// <summary>A ring of records. It has no keys: what maps have in common cannot be done with it.</summary>
public abstract unsafe class RingMap : GroupMap
{
    private protected RingMap(MemoryGroup group, MapDefinition definition)
        : base(group, definition)
    {
        Memory.Hold(definition, RecordRing.BytesOf(definition.Capacity));
        RecordRing? ring = RecordRing.TryCreate(definition.Capacity);
        if (ring is null)
        {
            Memory.Dispose();
            throw new InsufficientMemoryException(
                $"The system has no memory for a ring of {definition.Capacity} bytes. Nothing is charged for it.");
        }

        Channel = new RecordChannel(ring, base.Free);
    }

    /// <summary>The bytes of the ring. A record takes 8 bytes more than it has, rounded up to 8, and one byte stays
    /// free.</summary>
    public long SizeBytes => Definition.Capacity;

    /// <summary>The bytes that were reserved and not consumed yet: an instant's reading.</summary>
    public long AvailableBytes => (long)Query(RingQuery.AvailableBytes);

    /// <summary>Nothing: records are not counted.</summary>
    public override long Count => 0;

    internal RecordChannel Channel { get; }

    internal static MapFootprint FootprintOf(MapDefinition definition, int processors) =>
        MapFootprint.Held(RecordRing.BytesOf(definition.Capacity));

    /// <summary>Copies a record into the ring. From any thread.</summary>
    /// <param name="record">Its bytes.</param>
    /// <param name="wakeUp">Whether the consumer is woken.</param>
    /// <returns>False when there is no room; nothing has changed.</returns>
    /// <exception cref="ObjectDisposedException">The ring has been disposed.</exception>
    public bool TryWrite(ReadOnlySpan<byte> record, RingWakeUp wakeUp = RingWakeUp.WhenAwaited)
    {
        ObjectDisposedException.ThrowIf(!Channel.TryAddUser(), this);
        bool isWritten = Channel.TryWrite(record, wakeUp);
        Channel.Release();
        return isWritten;
    }

    /// <summary>Takes room for a record, to be written in place. From any thread.</summary>
    /// <param name="bytes">The length of the record.</param>
    /// <param name="reservation">The room; submit or dispose it. Empty when false is returned.</param>
    /// <returns>False when there is no room; nothing has changed.</returns>
    /// <exception cref="ObjectDisposedException">The ring has been disposed.</exception>
    public bool TryReserve(int bytes, out RingReservation reservation)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        reservation = default;
        ObjectDisposedException.ThrowIf(!Channel.TryAddUser(), this);
        byte* record = Channel.Ring.TryReserve((ulong)bytes);
        if (record != null)
        {
            reservation = new RingReservation(Channel, record);
            return true;
        }

        Channel.Release();
        return false;
    }

    /// <summary>Reads a figure of the ring.</summary>
    /// <param name="what">Which; others than those of <see cref="RingQuery"/> are 0.</param>
    /// <exception cref="ObjectDisposedException">The ring has been disposed.</exception>
    public ulong Query(RingQuery what)
    {
        ObjectDisposedException.ThrowIf(!Channel.TryAddUser(), this);
        RecordRing ring = Channel.Ring;
        ulong figure = what switch
        {
            RingQuery.AvailableBytes => ring.AvailableBytes,
            RingQuery.SizeBytes => (ulong)ring.SizeBytes,
            RingQuery.ConsumerPosition => ring.ConsumerPosition,
            RingQuery.ProducerPosition => ring.ProducerPosition,
            _ => 0,
        };
        Channel.Release();
        return figure;
    }

    /// <summary>A ring has no elements.</summary>
    /// <param name="key">The bytes of a key.</param>
    /// <returns>Null.</returns>
    public override byte* Lookup(byte* key) => null;

    /// <summary>A ring has no elements.</summary>
    /// <param name="key">The bytes of a key.</param>
    /// <param name="value">The bytes of a value.</param>
    /// <param name="flags">Any.</param>
    /// <returns>-524 (ENOTSUPP), or -22 (EINVAL) with a key.</returns>
    public override int Update(byte* key, byte* value, ulong flags) => NoElements(key);

    /// <summary>A ring has no elements.</summary>
    /// <param name="key">The bytes of a key.</param>
    /// <returns>-524 (ENOTSUPP), or -22 (EINVAL) with a key.</returns>
    public override int Delete(byte* key) => NoElements(key);

    /// <summary>A ring has no elements.</summary>
    /// <param name="key">The bytes of a key.</param>
    /// <param name="next">Not written.</param>
    /// <returns>-524 (ENOTSUPP), or -22 (EINVAL) with a key.</returns>
    public override int NextKey(byte* key, byte* next) => NoElements(key);

    private protected override int ReadCore(byte* key, byte* value) => NoElements(key);

    private protected override int WriteCore(byte* key, byte* value, ulong flags) => NoElements(key);

    private protected override int TakeCore(byte* key, byte* value) => NoElements(key);

    private protected override void LoseOwner() => Channel.Close();

    private protected override void Free() => Channel.Release();

    private static int NoElements(byte* key) => key == null ? MapErrors.NotSupported : MapErrors.Invalid;
}
