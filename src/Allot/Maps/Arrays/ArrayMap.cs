using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>Values by index. All of them exist from the start, zeroed, and none can be removed.</summary>
public sealed unsafe class ArrayMap : GroupMap
{
    private readonly long _strideBytes;
    private readonly long _valuesBytes;
    private readonly byte* _values;

    /// <summary>Makes the array and charges its group for it.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="definition">A key has 4 bytes; a value and the array at least one.</param>
    /// <exception cref="MapRefusedException">The definition is none of an array.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public ArrayMap(MemoryGroup group, MapDefinition definition)
        : base(group, definition)
    {
        _strideBytes = (long)MemlockFormulas.Round8(definition.ValueBytes);
        _values = Memory.Allocate(definition, BytesOf(definition));
        _valuesBytes = _strideBytes * definition.Capacity;
    }

    /// <inheritdoc/>
    public override long Count => Definition.Capacity;

    /// <summary>The first value: an array of one value is how programs keep their variables.</summary>
    internal byte* Values => _values;

    /// <summary>From the first byte of the first value to the last of the last.</summary>
    internal long ValuesBytes => _valuesBytes;

    internal static MapFootprint FootprintOf(MapDefinition definition, int processors) =>
        MapFootprint.Fixed(BytesOf(definition));

    /// <inheritdoc/>
    public override byte* Lookup(byte* key)
    {
        uint index = Unsafe.ReadUnaligned<uint>(key);
        return index < Definition.Capacity ? _values + (index * _strideBytes) : null;
    }

    /// <inheritdoc/>
    public override int Update(byte* key, byte* value, ulong flags)
    {
        if (flags > MapErrors.OnlyExisting) return MapErrors.Invalid;
        byte* target = Lookup(key);
        if (target == null) return MapErrors.TooBig;
        if (flags == MapErrors.OnlyNew) return MapErrors.Exists;
        Unsafe.CopyBlockUnaligned(target, value, (uint)Definition.ValueBytes);
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

    private static Int128 BytesOf(MapDefinition definition) =>
        definition.Capacity * MemlockFormulas.Round8(definition.ValueBytes);
}
