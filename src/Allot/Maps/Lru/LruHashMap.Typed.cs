using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>A cache: values by keys, outside of the managed heap, charged to a group. When it is full, adding drops
/// some of those that were not used for long. Nothing is allocated on use, and the collector does not see it, however
/// large it is.</summary>
/// <typeparam name="TKey">Compared by its bytes, those between its fields included.</typeparam>
/// <typeparam name="TValue">Any type without references.</typeparam>
/// <remarks>All members may be used from any thread, and lookups take no lock. <see cref="TryGetValue"/> copies a
/// value as it was at one instant. A reference from <see cref="GetReference"/> is to the value itself: it stays good
/// until the map is disposed, but once the element is replaced or dropped the value may be another key's. Nobody may
/// use the map once it is disposed.</remarks>
public sealed unsafe class LruHashMap<TKey, TValue> : IDisposable
    where TKey : unmanaged
    where TValue : unmanaged
{
    /// <summary>Makes a map and charges the group for it: for all elements at once.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="capacity">The most elements.</param>
    /// <exception cref="MapRefusedException">There is no map of such sizes.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public LruHashMap(MemoryGroup group, long capacity)
        : this(group, capacity, flags: 0)
    {
    }

    /// <inheritdoc cref="LruHashMap{TKey, TValue}(MemoryGroup, long)"/>
    /// <param name="group">Who pays.</param>
    /// <param name="capacity">The most elements.</param>
    /// <param name="flags">With <see cref="MapFlags.NoCommonLru"/> each processor has its share of the
    /// elements.</param>
    public LruHashMap(MemoryGroup group, long capacity, uint flags)
        : this(new LruHashMap(group, TypedMaps.DefinitionOf<TKey, TValue>(MapType.LruHash, capacity, flags)))
    {
    }

    /// <summary>Uses a map by types, and owns it from here on: a map of a BPF object, say.</summary>
    /// <param name="map">Keys and values have the sizes of the types, and there is one value for all
    /// processors.</param>
    /// <exception cref="ArgumentException">The sizes are others.</exception>
    public LruHashMap(LruHashMap map)
    {
        ArgumentNullException.ThrowIfNull(map);
        TypedMaps.Check(map, sizeof(TKey), sizeof(TValue), MapType.LruHash);
        Map = map;
    }

    /// <summary>The same map, of bytes: what programs use, its figures and its owner.</summary>
    public LruHashMap Map { get; }

    /// <summary>The elements; exact while nobody adds or removes.</summary>
    public long Count => Map.Count;

    /// <summary>The most elements.</summary>
    public long Capacity => Map.Definition.Capacity;

    /// <summary>Copies a value, as it was at one instant. The element counts as used.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value; the default one where there is none.</param>
    /// <returns>Whether there is such a key.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryGetValue(TKey key, out TValue value) => Map.TryCopy(key, out value, marks: true);

    /// <summary>Copies a value, as it was at one instant. It does not count as a use.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value; the default one where there is none.</param>
    /// <returns>Whether there is such a key.</returns>
    public bool TryPeek(TKey key, out TValue value) => Map.TryCopy(key, out value, marks: false);

    /// <summary>The value itself, to read and to write. The element counts as used.</summary>
    /// <param name="key">The key.</param>
    /// <returns>A null reference where there is none: ask <see cref="Unsafe.IsNullRef"/>.</returns>
    public ref TValue GetReference(TKey key) => ref Unsafe.AsRef<TValue>(Map.Lookup((byte*)&key));

    /// <summary>The value itself, as a span of one element. The element counts as used.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value; empty where there is none.</param>
    /// <returns>Whether there is such a key.</returns>
    public bool TryGetSpan(TKey key, out Span<TValue> value) =>
        TypedMaps.TryGetSpan(Map.Lookup((byte*)&key), out value);

    /// <summary>Adds an element, or replaces its value; drops others where there is no room.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value.</param>
    /// <returns>False only when other threads add as many elements as there is room for, all at this instant: nothing
    /// has changed.</returns>
    public bool TrySet(TKey key, TValue value) => Update(key, value, MapErrors.Any) == MapErrors.None;

    /// <summary>Adds an element; drops others where there is no room.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value.</param>
    /// <returns>False when there is one already.</returns>
    public bool TryAdd(TKey key, TValue value) => Update(key, value, MapErrors.OnlyNew) == MapErrors.None;

    /// <summary>Replaces a value. In a full map that can drop others, and also the one that is to be
    /// replaced.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value.</param>
    /// <returns>False when there is none.</returns>
    public bool TryReplace(TKey key, TValue value) => Update(key, value, MapErrors.OnlyExisting) == MapErrors.None;

    /// <summary>Removes an element.</summary>
    /// <param name="key">The key.</param>
    /// <returns>False when there is none.</returns>
    public bool TryRemove(TKey key) => Map.Remove((byte*)&key, value: null) == MapErrors.None;

    /// <summary>Removes an element, and copies its value at the same instant.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value; the default one where there is none.</param>
    /// <returns>False when there is none.</returns>
    public bool TryRemove(TKey key, out TValue value)
    {
        TValue taken = default;
        bool isRemoved = Map.Remove((byte*)&key, (byte*)&taken) == MapErrors.None;
        value = taken;
        return isRemoved;
    }

    /// <summary>Copies of all elements, in no order that means anything. Elements may come and go meanwhile: what is
    /// there all the while, and not updated, is seen once. It does not count as a use.</summary>
    public Enumerator GetEnumerator() => new(Map);

    /// <summary>Gives the memory back to its group, once no program uses the map any more.</summary>
    public void Dispose() => Map.Dispose();

    private int Update(TKey key, TValue value, ulong flags) => Map.Update((byte*)&key, (byte*)&value, flags);

    /// <summary>Goes from element to element.</summary>
    public struct Enumerator
    {
        private readonly LruHashMap _map;
        private int _node;
        private KeyValuePair<TKey, TValue> _current;

        internal Enumerator(LruHashMap map)
        {
            _map = map;
            _node = -1;
        }

        /// <summary>The element.</summary>
        public readonly KeyValuePair<TKey, TValue> Current => _current;

        /// <summary>Goes to the next element.</summary>
        /// <returns>False after the last.</returns>
        public bool MoveNext()
        {
            TKey key;
            TValue value;
            if (!_map.TryCopyNext(ref _node, (byte*)&key, (byte*)&value)) return false;
            _current = new(key, value);
            return true;
        }
    }
}
