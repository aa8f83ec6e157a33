using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>Values by index, of which each processor has its own, outside of the managed heap, charged to a group. All
/// of them exist from the start, zeroed: counters that no two processors write, say.</summary>
/// <typeparam name="TValue">Any type without references.</typeparam>
/// <remarks>All members may be used from any thread. A thread may be moved to another processor at any time, so two may
/// use the value of one processor at once: sums that must not lose anything are added by <see cref="Interlocked"/>.
/// Nobody may use the map once it is disposed.</remarks>
public sealed unsafe class PerCpuArrayMap<TValue> : IDisposable
    where TValue : unmanaged
{
    private readonly ProcessorSlots _slots;
    private readonly long _length;

    /// <summary>Makes an array and charges the group for it: for the values of all processors.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="length">The number of elements.</param>
    /// <exception cref="MapRefusedException">There is no array of such sizes.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public PerCpuArrayMap(MemoryGroup group, long length)
        : this(new PerCpuArrayMap(group, DefinitionOf(length)))
    {
    }

    /// <summary>Uses an array by a type, and owns it from here on: a map of a BPF object, say.</summary>
    /// <param name="map">Its values have the size of the type.</param>
    /// <exception cref="ArgumentException">The size is another.</exception>
    public PerCpuArrayMap(PerCpuArrayMap map)
    {
        ArgumentNullException.ThrowIfNull(map);
        TypedMaps.Check(map, sizeof(uint), sizeof(TValue), MapType.PerCpuArray);
        Map = map;
        _slots = map.Slots;
        _length = map.Count;
    }

    /// <summary>The same array, of bytes: what programs use, its figures and its owner.</summary>
    public PerCpuArrayMap Map { get; }

    /// <summary>The number of elements.</summary>
    public long Count => _length;

    /// <summary>The values of each element.</summary>
    public int ProcessorCount => GroupMap.ProcessorCount;

    /// <summary>The value of the processor that runs this, to read and to write.</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such element.</exception>
    public ref TValue this[long index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            if ((ulong)index >= (ulong)_length) ThrowNoSuchElement(index);
            return ref Unsafe.AsRef<TValue>(_slots.At(index, ProcessorSlots.Current));
        }
    }

    /// <summary>The values of all processors, to read and to write.</summary>
    /// <param name="index">The index of the element.</param>
    /// <param name="values">The values; none where there is no such element.</param>
    /// <returns>Whether there is one.</returns>
    public bool TryGetValues(long index, out PerCpuValues<TValue> values)
    {
        bool exists = (ulong)index < (ulong)_length;
        values = exists ? ValuesOf(index) : default;
        return exists;
    }

    /// <summary>Copies the value of the processor that runs this.</summary>
    /// <param name="index">The index of the element.</param>
    /// <param name="value">The value; the default one where there is none.</param>
    /// <returns>Whether there is such an element.</returns>
    public bool TryGetValue(long index, out TValue value)
    {
        bool exists = (ulong)index < (ulong)_length;
        value = exists ? this[index] : default;
        return exists;
    }

    /// <summary>Replaces the value of the processor that runs this.</summary>
    /// <param name="index">The index of the element.</param>
    /// <param name="value">The value.</param>
    /// <returns>Whether there is such an element.</returns>
    public bool TrySet(long index, in TValue value)
    {
        if ((ulong)index >= (ulong)_length) return false;
        this[index] = value;
        return true;
    }

    /// <summary>Replaces the values of all processors.</summary>
    /// <param name="index">The index of the element.</param>
    /// <param name="values">A value for each processor.</param>
    /// <returns>Whether there is such an element.</returns>
    /// <exception cref="ArgumentException">There are not as many values as processors.</exception>
    public bool TrySetAll(long index, ReadOnlySpan<TValue> values)
    {
        TypedMaps.CheckOneForEach(values, ProcessorCount);
        if (!TryGetValues(index, out PerCpuValues<TValue> all)) return false;
        for (int processor = 0; processor < all.Count; processor++) all[processor] = values[processor];
        return true;
    }

    /// <summary>All elements in their order, each with the values of all processors.</summary>
    public Enumerator GetEnumerator() => new(this);

    /// <summary>Gives the memory back to its group, once no program uses the map any more.</summary>
    public void Dispose() => Map.Dispose();

    private PerCpuValues<TValue> ValuesOf(long index) => new(_slots.At(index, 0), _slots.SlotBytes, ProcessorCount);

    private static void ThrowNoSuchElement(long index) =>
        throw new ArgumentOutOfRangeException(nameof(index), index, "The array has no such element.");

    private static MapDefinition DefinitionOf(long length) => new()
    {
        Name = typeof(TValue).Name,
        Type = MapType.PerCpuArray,
        KeyBytes = sizeof(uint),
        ValueBytes = sizeof(TValue),
        Capacity = length,
    };

    /// <summary>Goes from element to element.</summary>
    public struct Enumerator
    {
        private readonly PerCpuArrayMap<TValue> _map;
        private long _index;

        internal Enumerator(PerCpuArrayMap<TValue> map)
        {
            _map = map;
            _index = -1;
        }

        /// <summary>The values of all processors.</summary>
        public readonly PerCpuValues<TValue> Current => _map.ValuesOf(_index);

        /// <summary>Goes to the next element.</summary>
        /// <returns>False after the last.</returns>
        public bool MoveNext() => ++_index < _map.Count;
    }
}
