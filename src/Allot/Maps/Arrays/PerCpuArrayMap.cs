using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>Values by index, of which each processor has its own. All of them exist from the start, zeroed.</summary>
/// <remarks>A program gets the value of the processor that runs it; the host reads and writes those of all. All are
/// charged to the owner of the map.</remarks>
public sealed unsafe class PerCpuArrayMap : GroupMap
{
    private readonly byte* _values;
    private readonly long _valuesBytes;
    private readonly ProcessorSlots _slots;

    /// <summary>Makes the array and charges its group for it.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="definition">A key has 4 bytes; a value and the array at least one.</param>
    /// <exception cref="MapRefusedException">The definition is none of such an array.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public PerCpuArrayMap(MemoryGroup group, MapDefinition definition)
        : base(group, definition)
    {
        Int128 bytes = ProcessorSlots.BytesOf(definition, definition.Capacity, ProcessorCount);
        _values = Memory.Allocate(definition, bytes);
        _valuesBytes = (long)bytes;
        _slots = new ProcessorSlots(_values, definition, definition.Capacity);
    }

    /// <inheritdoc/>
    public override long Count => Definition.Capacity;

    /// <inheritdoc/>
    public override long HostValueBytes => (long)MemlockFormulas.Round8(Definition.ValueBytes) * ProcessorCount;

    internal ProcessorSlots Slots => _slots;

    internal static MapFootprint FootprintOf(MapDefinition definition, int processors) =>
        MapFootprint.Fixed(ProcessorSlots.BytesOf(definition, definition.Capacity, processors));

    /// <inheritdoc/>
    public override byte* Lookup(byte* key) => LookupOf(key, ProcessorSlots.Current);

    /// <inheritdoc/>
    public override byte* LookupOf(byte* key, int processor)
    {
        uint index = Unsafe.ReadUnaligned<uint>(key);
        bool exists = index < Definition.Capacity && (uint)processor < (uint)ProcessorCount;
        return exists ? _slots.At(index, processor) : null;
    }

    /// <inheritdoc/>
    public override int Update(byte* key, byte* value, ulong flags)
    {
        int error = CheckUpdate(key, flags);
        if (error != MapErrors.None) return error;
        Unsafe.CopyBlockUnaligned(Lookup(key), value, (uint)Definition.ValueBytes);
        return MapErrors.None;
    }

    /// <inheritdoc/>
    public override int Delete(byte* key) => MapErrors.Invalid;

    internal override byte* NextElement(ref long place, byte* key)
    {
        if (place >= Definition.Capacity) return null;
        Unsafe.WriteUnaligned(key, (uint)place++);
        return Lookup(key);
    }

    /// <inheritdoc/>
    public override int NextKey(byte* key, byte* next) => NextIndex(key, next);

    private protected override bool HasValueAt(ulong address, ulong bytes) =>
        LiesIn(_values, _valuesBytes, address, bytes);

    internal override (ulong Address, long Bytes) Region => ((ulong)_values, _valuesBytes);

    private protected override MapBatchKinds Batches => MapBatchKinds.Lookup | MapBatchKinds.Update;

    private protected override int ReadCore(byte* key, byte* value)
    {
        if (key == null) return MapErrors.Invalid;
        uint index = Unsafe.ReadUnaligned<uint>(key);
        if (index >= Definition.Capacity) return MapErrors.NotFound;
        _slots.Read(index, value);
        return MapErrors.None;
    }

    private protected override int WriteCore(byte* key, byte* value, ulong flags)
    {
        if (key == null) return MapErrors.Invalid;
        int error = CheckUpdate(key, flags);
        if (error == MapErrors.None) _slots.Write(Unsafe.ReadUnaligned<uint>(key), value);
        return error;
    }

    private int CheckUpdate(byte* key, ulong flags)
    {
        if (flags > MapErrors.OnlyExisting) return MapErrors.Invalid;
        if (Unsafe.ReadUnaligned<uint>(key) >= Definition.Capacity) return MapErrors.TooBig;
        return flags == MapErrors.OnlyNew ? MapErrors.Exists : MapErrors.None;
    }
}
