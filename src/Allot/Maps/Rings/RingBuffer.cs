namespace Allot.Maps;

/// <summary>Records from programs, or from any threads, to one consumer in the process.</summary>
public sealed unsafe class RingBuffer : RingMap
{
    private const ulong WakeUpFlags = (ulong)(RingWakeUp.Never | RingWakeUp.Always);

    /// <summary>Makes the ring and charges its group for it.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="definition">No key and no value; the capacity in bytes is a power of two, and whole pages.</param>
    /// <exception cref="MapRefusedException">The definition is none of a ring.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public RingBuffer(MemoryGroup group, MapDefinition definition)
        : base(group, definition)
    {
    }

    /// <summary>Reads the oldest record, in place. By one consumer at a time.</summary>
    /// <param name="record">The record; dispose it to go on. Empty when false is returned.</param>
    /// <returns>False when there is none, or the oldest was not submitted yet.</returns>
    /// <exception cref="InvalidOperationException">The record before was not disposed.</exception>
    /// <exception cref="ObjectDisposedException">The ring has been disposed.</exception>
    public bool TryRead(out RingRecord record) => Channel.TryRead(this, out record);

    /// <summary>Reads records, oldest first, until there are no more.</summary>
    /// <typeparam name="TState">What is handed through.</typeparam>
    /// <param name="consumer">Gets each record; false ends the reading after it.</param>
    /// <param name="state">Handed to the consumer.</param>
    /// <returns>The number of records.</returns>
    /// <exception cref="InvalidOperationException">Somebody consumes already.</exception>
    /// <exception cref="ObjectDisposedException">The ring has been disposed.</exception>
    public int Consume<TState>(RingConsumer<TState> consumer, TState state)
    {
        ArgumentNullException.ThrowIfNull(consumer);
        int records = 0;
        bool goesOn = true;
        while (goesOn && TryRead(out RingRecord record))
        {
            using (record) goesOn = consumer(record.Bytes, state);
            records++;
        }

        return records;
    }

    /// <summary>Waits until there is a record to read. One waits at a time.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>True when there may be one; false when the ring was disposed.</returns>
    /// <exception cref="InvalidOperationException">Somebody waits already.</exception>
    /// <remarks>A record that was submitted with <see cref="RingWakeUp.Never"/> wakes nobody.</remarks>
    public ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken = default) =>
        Channel.WaitToReadAsync(cancellationToken);

    /// <summary>What programs call to reserve. They keep the map alive.</summary>
    internal byte* Reserve(ulong bytes, ulong flags) => flags != 0 ? null : Channel.Ring.TryReserve(bytes);

    /// <summary>What programs call to submit or discard what they have reserved.</summary>
    internal void Commit(byte* record, bool discards, ulong flags) =>
        Channel.Commit(record, discards, (RingWakeUp)(flags & WakeUpFlags));

    /// <summary>What programs call to write at once.</summary>
    internal int Output(ReadOnlySpan<byte> record, ulong flags)
    {
        if ((flags & ~WakeUpFlags) != 0) return MapErrors.Invalid;
        return Channel.TryWrite(record, (RingWakeUp)flags) ? MapErrors.None : MapErrors.TryAgain;
    }
}
