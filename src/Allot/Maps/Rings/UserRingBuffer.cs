namespace Allot.Maps;

/// <summary>Records from the process to programs: the host writes, and a program takes out what there is.</summary>
public sealed unsafe class UserRingBuffer : RingMap
{
    /// <summary>The most records of one drain, as in Linux.</summary>
    public const int DrainMax = 128 * 1024;

    private const ulong WakeUpFlags = (ulong)(RingWakeUp.Never | RingWakeUp.Always);

    private readonly RingSignal _room = new();
    private int _isOver;

    /// <summary>Makes the ring and charges its group for it.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="definition">No key and no value; the capacity in bytes is a power of two, and whole pages.</param>
    /// <exception cref="MapRefusedException">The definition is none of a ring.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public UserRingBuffer(MemoryGroup group, MapDefinition definition)
        : base(group, definition)
    {
    }

    /// <summary>Takes records out, oldest first, until there are no more, or the oldest was not submitted
    /// yet.</summary>
    /// <typeparam name="TState">What is handed through.</typeparam>
    /// <param name="consumer">Gets each record; false ends the drain after it.</param>
    /// <param name="state">Handed to the consumer.</param>
    /// <param name="wakeUp">Whether who waits for room is woken.</param>
    /// <returns>The number of records, or -16 (EBUSY) when somebody drains already.</returns>
    /// <exception cref="ObjectDisposedException">The ring has been disposed.</exception>
    public int Drain<TState>(RingConsumer<TState> consumer, TState state, RingWakeUp wakeUp = RingWakeUp.WhenAwaited)
    {
        ArgumentNullException.ThrowIfNull(consumer);
        ObjectDisposedException.ThrowIf(!Channel.TryAddUser(), this);
        if (!Channel.TryBeginRead())
        {
            Channel.Release();
            return MapErrors.Busy;
        }

        int records = 0;
        try
        {
            bool goesOn = true;
            while (goesOn && records < DrainMax && Channel.Ring.TryPeek(out byte* record, out int length))
            {
                records++;
                try
                {
                    goesOn = consumer(new ReadOnlySpan<byte>(record, length), state);
                }
                finally
                {
                    Channel.Ring.Advance();
                }
            }
        }
        finally
        {
            Channel.EndRead();
            Channel.Release();
        }

        bool isAwaited = records > 0 && wakeUp == RingWakeUp.WhenAwaited;
        Interlocked.MemoryBarrier();
        if (isAwaited || wakeUp == RingWakeUp.Always) _room.Wake();
        return records;
    }

    /// <summary>Waits until there is room for a record. One waits at a time.</summary>
    /// <param name="bytes">The length of the record.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>True when there may be room; false when the ring was disposed.</returns>
    /// <exception cref="ArgumentOutOfRangeException">It is larger than the ring.</exception>
    /// <exception cref="InvalidOperationException">Somebody waits already.</exception>
    public ValueTask<bool> WaitToWriteAsync(int bytes, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(RecordRing.WholeBytes((uint)bytes), (ulong)SizeBytes);
        return _room.WaitAsync(() => HasRoom(bytes), () => Volatile.Read(ref _isOver) != 0, cancellationToken);
    }

    private protected override void LoseOwner()
    {
        base.LoseOwner();
        Interlocked.Exchange(ref _isOver, 1);
        _room.Wake(goesOn: false);
    }

    private bool HasRoom(int bytes)
    {
        Interlocked.MemoryBarrier();
        if (!Channel.TryAddUser()) return false;
        RecordRing ring = Channel.Ring;
        bool fits = ring.AvailableBytes + RecordRing.WholeBytes((uint)bytes) < (ulong)ring.SizeBytes;
        Channel.Release();
        return fits;
    }
}
