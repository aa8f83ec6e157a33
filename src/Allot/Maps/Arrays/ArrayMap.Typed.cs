using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>Values by index, outside of the managed heap, charged to a group. All of them exist from the start, zeroed.
/// </summary>
/// <typeparam name="TValue">Any type without references.</typeparam>
/// <remarks>All members may be used from any thread. The values are nobody's in particular: who writes what another
/// reads at the same time agrees with it, by <see cref="Interlocked"/> or otherwise. Nobody may use the map once it is
/// disposed.</remarks>
public sealed unsafe class ArrayMap<TValue> : IDisposable
    where TValue : unmanaged
{
    private readonly byte* _values;
    private readonly long _length;

    /// <summary>Makes an array and charges the group for it.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="length">The number of values.</param>
    /// <exception cref="MapRefusedException">There is no array of such sizes.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public ArrayMap(MemoryGroup group, long length)
        : this(new ArrayMap(group, DefinitionOf(length)))
    {
    }

    /// <summary>Uses an array by a type, and owns it from here on: the variables of a BPF object, say.</summary>
    /// <param name="map">Its values have the size of the type.</param>
    /// <exception cref="ArgumentException">The size is another.</exception>
    public ArrayMap(ArrayMap map)
    {
        ArgumentNullException.ThrowIfNull(map);
        MapDefinition definition = map.Definition;
        if (definition.ValueBytes != sizeof(TValue))
        {
            throw new ArgumentException(
                $"map '{definition.Name}' has values of {definition.ValueBytes} bytes, not of {sizeof(TValue)}",
                nameof(map));
        }

        Map = map;
        _values = map.Values;
        _length = definition.Capacity;
    }

    /// <summary>The same array, of bytes: what programs use, its figures and its owner.</summary>
    public ArrayMap Map { get; }

    /// <summary>The number of values.</summary>
    public long Count => _length;

    /// <summary>A value, to read and to write.</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such value.</exception>
    public ref TValue this[long index]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            if ((ulong)index >= (ulong)_length) ThrowNoSuchValue(index);
            return ref Unsafe.AsRef<TValue>(_values + (index * StrideBytes));
        }
    }

    /// <summary>Copies a value.</summary>
    /// <param name="index">Its index.</param>
    /// <param name="value">The value; the default one where there is none.</param>
    /// <returns>Whether there is one.</returns>
    public bool TryGetValue(long index, out TValue value)
    {
        bool exists = (ulong)index < (ulong)_length;
        value = exists ? this[index] : default;
        return exists;
    }

    /// <summary>Replaces a value.</summary>
    /// <param name="index">Its index.</param>
    /// <param name="value">The value.</param>
    /// <returns>Whether there is one.</returns>
    public bool TrySet(long index, in TValue value)
    {
        if ((ulong)index >= (ulong)_length) return false;
        this[index] = value;
        return true;
    }

    /// <summary>Values that lie side by side, to read and to write.</summary>
    /// <param name="start">The index of the first.</param>
    /// <param name="count">How many.</param>
    /// <param name="values">The values; empty where there are not so many.</param>
    /// <returns>False when there are not so many, or when they do not lie side by side: their size is no multiple of
    /// 8.</returns>
    public bool TryGetSpan(long start, int count, out Span<TValue> values)
    {
        bool exist = start >= 0 && count >= 0 && start <= _length - count && sizeof(TValue) == StrideBytes;
        values = exist ? new Span<TValue>(_values + (start * StrideBytes), count) : default;
        return exist;
    }

    /// <summary>All values in their order.</summary>
    public Enumerator GetEnumerator() => new(this);

    /// <summary>Gives the memory back to its group, once no program uses the map any more.</summary>
    public void Dispose() => Map.Dispose();

    private static long StrideBytes => (sizeof(TValue) + 7) & ~7;

    private static void ThrowNoSuchValue(long index) =>
        throw new ArgumentOutOfRangeException(nameof(index), index, "The array has no such value.");

    private static MapDefinition DefinitionOf(long length) => new()
    {
        Name = typeof(TValue).Name,
        Type = MapType.Array,
        KeyBytes = sizeof(uint),
        ValueBytes = sizeof(TValue),
        Capacity = length,
    };

    /// <summary>Goes from value to value.</summary>
    public struct Enumerator
    {
        private readonly ArrayMap<TValue> _map;
        private long _index;

        internal Enumerator(ArrayMap<TValue> map)
        {
            _map = map;
            _index = -1;
        }

        /// <summary>The value itself.</summary>
        public readonly ref TValue Current => ref _map[_index];

        /// <summary>Goes to the next value.</summary>
        /// <returns>False after the last.</returns>
        public bool MoveNext() => ++_index < _map.Count;
    }
}
