using System.Numerics;

namespace Allot.Maps;

/// <summary>Outputs of programs, one for each processor, each a ring of its own with a reader. What finds no room is
/// lost, and counted.</summary>
/// <remarks>A thread can be moved between processors at any time, so a program may write to any index here; Linux lets
/// it write to its own only.</remarks>
public sealed unsafe class PerfEventArray : IndexedMap<PerfReader>
{
    /// <summary>In place of an index: the processor that runs the program.</summary>
    public const uint CurrentProcessor = uint.MaxValue;

    private const long RingBytesMax = 1L << 31;
    private const int SampleBytesMax = ushort.MaxValue - 32;   // the kernel's length of a record has 16 bits

    /// <summary>Makes the array and charges its group for it.</summary>
    /// <param name="group">Who pays, for the readers too.</param>
    /// <param name="definition">A key and a value have 4 bytes.</param>
    /// <exception cref="MapRefusedException">The definition is none of such an array.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public PerfEventArray(MemoryGroup group, MapDefinition definition)
        : base(group, definition)
    {
    }

    internal static new MapFootprint FootprintOf(MapDefinition definition, int processors)
    {
        // How large the rings are is said when they are opened: 2 GiB each at most.
        Int128 slots = BytesOf(definition);
        Int128 most = slots + (definition.Capacity * RecordRing.BytesOf(RingBytesMax));
        return new MapFootprint(MemlockFormulas.Limited(slots), MemlockFormulas.Limited(most));
    }

    /// <summary>Opens the ring of an index. One that was open there is closed.</summary>
    /// <param name="index">The number of a processor.</param>
    /// <param name="ringBytes">The size of the ring: a power of two, 4096 at least.</param>
    /// <returns>Who reads it, until its index is removed or opened again.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The index or the size is out of range.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit refused; nothing has changed.</exception>
    /// <exception cref="InsufficientMemoryException">The system has no memory; nothing has changed.</exception>
    /// <exception cref="ObjectDisposedException">The map has been disposed.</exception>
    public PerfReader Open(int index, long ringBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Definition.Capacity);
        ArgumentOutOfRangeException.ThrowIfLessThan(ringBytes, RecordRing.PageBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ringBytes, RingBytesMax);
        ArgumentOutOfRangeException.ThrowIfNotEqual(ringBytes, (long)BitOperations.RoundUpToPowerOf2((ulong)ringBytes));
        AddUser();
        var charged = (long)RecordRing.BytesOf(ringBytes);
        if (!Memory.TryHold(charged))
        {
            ChargeRefusal refusal = Memory.LastRefusal;
            Release();
            throw new MemoryLimitExceededException(refusal);
        }

        RecordRing? ring = RecordRing.TryCreate(ringBytes);
        if (ring is null)
        {
            Memory.LetGo(charged);
            Release();
            throw new InsufficientMemoryException($"The system has no memory for a ring of {ringBytes} bytes.");
        }

        var reader = new PerfReader(index, new RecordChannel(ring, () =>
        {
            Memory.LetGo(charged);
            Release();
        }));
        PerfReader? before;
        lock (Gate) before = Replace_NeedsGate((uint)index, reader);
        before?.Close();
        return reader;
    }

    /// <summary>Writes a record, as a program does.</summary>
    /// <param name="index">The index, or <see cref="CurrentProcessor"/>.</param>
    /// <param name="record">The bytes of the record.</param>
    /// <returns>0, or the error of Linux as a negative number: -2 (ENOENT) when the index was not opened, -7 (E2BIG)
    /// when there is no such index, -28 (ENOSPC) when the record is lost.</returns>
    public int Output(uint index, ReadOnlySpan<byte> record)
    {
        if (index == CurrentProcessor) index = (uint)ProcessorSlots.Current;
        if (!IsIndex(index) || record.Length > SampleBytesMax) return MapErrors.TooBig;
        return Find(index)?.Write(record) ?? MapErrors.NotFound;
    }

    /// <summary>Readers are opened by the host.</summary>
    /// <param name="key">The bytes of the key.</param>
    /// <param name="value">The bytes of the value.</param>
    /// <param name="flags">Any.</param>
    /// <returns>-22 (EINVAL), -7 (E2BIG) when there is no such index; otherwise -9 (EBADF): no number is a
    /// reader.</returns>
    public override int Update(byte* key, byte* value, ulong flags)
    {
        if (flags != MapErrors.Any) return MapErrors.Invalid;
        return IsIndex(IndexOf(key)) ? MapErrors.BadHandle : MapErrors.TooBig;
    }

    /// <inheritdoc/>
    public override int Delete(byte* key)
    {
        uint index = IndexOf(key);
        if (!IsIndex(index)) return MapErrors.TooBig;
        PerfReader? before;
        lock (Gate) before = Replace_NeedsGate(index, null);
        if (before is null) return MapErrors.NotFound;
        before.Close();
        return MapErrors.None;
    }

    private protected override int ReadCore(byte* key, byte* value) => MapErrors.NotSupported;

    private protected override void LetGo(PerfReader before) => before.Close();
}
