// The bytes of keys and values. Keys of 4 and of 8 bytes, the most usual, have code of their own in the table.

using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>Values by keys of any bytes: HASH and PERCPU_HASH, with all memory from the start or with each element.
/// </summary>
/// <remarks>Lookups take no lock. An address of a value stays good until the map ends; after the element was removed it
/// may be another element's. A value is replaced in place: who reads it by its address can see a part of the old and of
/// the new one, as in a map of Linux; <see cref="GroupMap.Read"/> does not.</remarks>
public sealed unsafe class HashMap : GroupMap
{
    private readonly HashTable _table;
    private readonly int _keyBytes;
    private readonly long _valueBytes;
    private readonly long _strideBytes;
    private readonly int _processors;   // 0 where there is one value for all

    /// <summary>Makes the map and charges its group for it.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="definition">Keys, values and the map have at least one byte or element.</param>
    /// <exception cref="MapRefusedException">The definition is none of a hash map.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public HashMap(MemoryGroup group, MapDefinition definition)
        : base(group, definition)
    {
        _keyBytes = definition.KeyBytes;
        _valueBytes = definition.ValueBytes;
        _strideBytes = (long)MemlockFormulas.Round8(_valueBytes);
        _processors = definition.Type == MapType.PerCpuHash ? ProcessorCount : 0;
        _table = new HashTable(Memory, definition, new HashShape(definition, ProcessorCount));
    }

    /// <inheritdoc/>
    public override long Count => _table.Count;

    /// <inheritdoc/>
    public override long HostValueBytes => _processors == 0 ? _valueBytes : _strideBytes * _processors;

    internal HashTable Table => _table;

    /// <summary>From the value of one processor to that of the next.</summary>
    internal long ProcessorBytes => _table.ProcessorBytes;

    internal static MapFootprint FootprintOf(MapDefinition definition, int processors) =>
        new HashShape(definition, processors).Footprint;

    /// <inheritdoc/>
    public override byte* Lookup(byte* key)
    {
        byte* value = Find(key);
        if (_processors == 0 || value == null) return value;
        return value + (ProcessorSlots.Current * _table.ProcessorBytes);
    }

    /// <inheritdoc/>
    public override byte* LookupOf(byte* key, int processor)
    {
        if ((uint)processor >= (uint)_processors) return null;
        byte* value = Find(key);
        return value == null ? null : value + (processor * _table.ProcessorBytes);
    }

    /// <inheritdoc/>
    public override int Update(byte* key, byte* value, ulong flags)
    {
        if (_processors == 0) return Update(key, new ValueBytes(value, _valueBytes), flags);
        var writer = new ProcessorValue(value, _valueBytes, _table.ProcessorBytes, ProcessorSlots.Current);
        return Update(key, writer, flags);
    }

    /// <inheritdoc/>
    public override int Delete(byte* key) => _keyBytes switch
    {
        sizeof(ulong) => _table.Remove(new Key8(Unsafe.ReadUnaligned<ulong>(key)), default, _table.Sizes),
        sizeof(uint) => _table.Remove(new Key4(Unsafe.ReadUnaligned<uint>(key)), default, _table.Sizes),
        _ => _table.Remove(new KeyBytes(key, _keyBytes), default, _table.Sizes),
    };

    internal override byte* NextElement(ref long place, byte* key)
    {
        byte* value = _table.TryNext(ref place, key, _keyBytes);
        place++;
        if (_processors == 0 || value == null) return value;
        return value + (ProcessorSlots.Current * _table.ProcessorBytes);
    }

    /// <inheritdoc/>
    public override int NextKey(byte* key, byte* next)
    {
        long slot = key == null ? 0 : SlotOf(key) + 1;
        return _table.TryNext(ref slot, next, _keyBytes) == null ? MapErrors.NotFound : MapErrors.None;
    }

    private protected override bool HasValueAt(ulong address, ulong bytes) => _table.HasValueAt(address, bytes);

    internal override (ulong Address, long Bytes) Region => ((ulong)_table.Region, _table.RegionBytes);

    /// <summary>Walks everything. Nobody writes meanwhile.</summary>
    internal void Validate() => _table.Validate(
        key => _keyBytes switch
        {
            sizeof(ulong) => _table.HashOf(new Key8(*(ulong*)key)),
            sizeof(uint) => _table.HashOf(new Key4(*(uint*)key)),
            _ => _table.HashOf(new KeyBytes((byte*)key, _keyBytes)),
        },
        Definition.Capacity);

    private protected override MapBatchKinds Batches => MapBatchKinds.All;

    /// <summary>Copies the value of a processor as it was at one instant.</summary>
    internal bool TryCopyOf(byte* key, byte* value, int processor) =>
        TryCopy(key, new ValueCopy(value, _valueBytes) { First = processor });

    /// <summary>Copies the values of all processors as they were at one instant.</summary>
    /// <param name="key">The bytes of the key.</param>
    /// <param name="values">Where they go, one behind the other.</param>
    /// <param name="bytes">What is copied of each.</param>
    internal bool TryCopyAll(byte* key, byte* values, long bytes) =>
        TryCopy(key, new ValueCopy(values, bytes) { Count = Math.Max(_processors, 1) });

    /// <summary>Adds or replaces the values of all processors.</summary>
    /// <param name="key">The bytes of the key.</param>
    /// <param name="values">They lie one behind the other.</param>
    /// <param name="bytes">The size of each.</param>
    /// <param name="flags">Those of <see cref="Update(byte*, byte*, ulong)"/>.</param>
    internal int UpdateAll(byte* key, byte* values, long bytes, ulong flags) =>
        Update(key, new ProcessorValues(values, bytes, _table.ProcessorBytes), flags);

    /// <summary>Removes an element, and copies the values of all processors at the same instant.</summary>
    /// <param name="key">The bytes of the key.</param>
    /// <param name="values">Where they go, one behind the other.</param>
    /// <param name="bytes">What is copied of each.</param>
    internal int Take(byte* key, byte* values, long bytes)
    {
        var taken = new ValueCopy(values, bytes) { Count = Math.Max(_processors, 1) };
        return _keyBytes switch
        {
            sizeof(ulong) => _table.Remove(new Key8(Unsafe.ReadUnaligned<ulong>(key)), taken, _table.Sizes),
            sizeof(uint) => _table.Remove(new Key4(Unsafe.ReadUnaligned<uint>(key)), taken, _table.Sizes),
            _ => _table.Remove(new KeyBytes(key, _keyBytes), taken, _table.Sizes),
        };
    }

    private protected override int ReadCore(byte* key, byte* value)
    {
        if (key == null) return MapErrors.Invalid;
        return TryCopyAll(key, value, HostBytesOfOne) ? MapErrors.None : MapErrors.NotFound;
    }

    private protected override int WriteCore(byte* key, byte* value, ulong flags)
    {
        if (key == null) return MapErrors.Invalid;
        return _processors == 0
            ? Update(key, new ValueBytes(value, _valueBytes), flags)
            : UpdateAll(key, value, _strideBytes, flags);
    }

    private protected override int TakeCore(byte* key, byte* value) =>
        key == null ? MapErrors.Invalid : Take(key, value, HostBytesOfOne);

    // The token is the number of a slot, so that no more than one element has to fit.
    private protected override int LookupBatchCore(ref MapBatch batch, bool removes)
    {
        if ((batch.ElementFlags & ~MapErrors.UnderLock) != 0 || batch.Flags != 0) return MapErrors.Invalid;
        if ((batch.ElementFlags & MapErrors.UnderLock) != 0) return MapErrors.Invalid;
        long wanted = batch.Count;
        batch.Count = 0;
        if (wanted == 0) return MapErrors.None;
        long slot = batch.From == null ? 0 : Unsafe.ReadUnaligned<uint>(batch.From);
        if (slot >= _table.Slots) return MapErrors.NotFound;
        int error = MapErrors.NotFound;
        for (; slot < _table.Slots; slot++)
        {
            if (batch.Count == wanted)
            {
                if (_table.HasElementFrom(slot)) error = MapErrors.None;
                break;
            }

            byte* key = batch.Keys + (batch.Count * _keyBytes);
            if (_table.TryNext(ref slot, key, _keyBytes) == null) break;
            byte* value = batch.Values + (batch.Count * HostValueBytes);
            int read = removes ? TakeCore(key, value) : ReadCore(key, value);
            if (read == MapErrors.None) batch.Count++;
        }

        Unsafe.WriteUnaligned(batch.Next, (uint)slot);
        return error;
    }

    // Of what a processor has, as the host copies it.
    private long HostBytesOfOne => _processors == 0 ? _valueBytes : _strideBytes;

    private bool TryCopy(byte* key, ValueCopy copy) => _keyBytes switch
    {
        sizeof(ulong) => _table.TryCopy(new Key8(Unsafe.ReadUnaligned<ulong>(key)), copy),
        sizeof(uint) => _table.TryCopy(new Key4(Unsafe.ReadUnaligned<uint>(key)), copy),
        _ => _table.TryCopy(new KeyBytes(key, _keyBytes), copy),
    };

    private byte* Find(byte* key) => _keyBytes switch
    {
        sizeof(ulong) => _table.Find(new Key8(Unsafe.ReadUnaligned<ulong>(key))),
        sizeof(uint) => _table.Find(new Key4(Unsafe.ReadUnaligned<uint>(key))),
        _ => _table.Find(new KeyBytes(key, _keyBytes)),
    };

    private long SlotOf(byte* key) => _keyBytes switch
    {
        sizeof(ulong) => _table.SlotOf(new Key8(Unsafe.ReadUnaligned<ulong>(key))),
        sizeof(uint) => _table.SlotOf(new Key4(Unsafe.ReadUnaligned<uint>(key))),
        _ => _table.SlotOf(new KeyBytes(key, _keyBytes)),
    };

    private int Update<TWriter>(byte* key, TWriter value, ulong flags)
        where TWriter : struct, IValueWriter
    {
        return _keyBytes switch
        {
            sizeof(ulong) => _table.Update(new Key8(Unsafe.ReadUnaligned<ulong>(key)), value, flags, _table.Sizes),
            sizeof(uint) => _table.Update(new Key4(Unsafe.ReadUnaligned<uint>(key)), value, flags, _table.Sizes),
            _ => _table.Update(new KeyBytes(key, _keyBytes), value, flags, _table.Sizes),
        };
    }
}
