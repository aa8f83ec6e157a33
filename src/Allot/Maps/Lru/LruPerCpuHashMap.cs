using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>A cache: values by keys, of which each processor has its own, outside of the managed heap, charged to a
/// group. When it is full, adding drops some elements that were not used for long. Nothing is allocated on use, and the
/// collector does not see it, however large it is.</summary>
/// <typeparam name="TKey">Compared by its bytes, those between its fields included.</typeparam>
/// <typeparam name="TValue">Any type without references.</typeparam>
/// <remarks>All members may be used from any thread, and lookups take no lock. What is copied is as it was at one
/// instant, of all processors too. A reference or <see cref="PerCpuValues{TValue}"/> is to the values themselves: it
/// stays good until the map is disposed, but once the element is dropped the values may be another key's. A thread may
/// be moved to another processor at any time, so two may use the value of one processor at once: sums that must not
/// lose anything are added by <see cref="Interlocked"/>. Nobody may use the map once it is disposed.</remarks>
public sealed unsafe class LruPerCpuHashMap<TKey, TValue> : IDisposable
    where TKey : unmanaged
    where TValue : unmanaged
{
    /// <summary>Makes a map and charges the group for it: for all elements at once.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="capacity">The most elements.</param>
    /// <exception cref="MapRefusedException">There is no map of such sizes.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public LruPerCpuHashMap(MemoryGroup group, long capacity)
        : this(group, capacity, flags: 0)
    {
    }

    /// <inheritdoc cref="LruPerCpuHashMap{TKey, TValue}(MemoryGroup, long)"/>
    /// <param name="group">Who pays.</param>
    /// <param name="capacity">The most elements.</param>
    /// <param name="flags">With <see cref="MapFlags.NoCommonLru"/> each processor has its share of the
    /// elements.</param>
    public LruPerCpuHashMap(MemoryGroup group, long capacity, uint flags)
        : this(new LruHashMap(group, TypedMaps.DefinitionOf<TKey, TValue>(MapType.LruPerCpuHash, capacity, flags)))
    {
    }

    /// <summary>Uses a map by types, and owns it from here on: a map of a BPF object, say.</summary>
    /// <param name="map">Keys and values have the sizes of the types, and each processor has its own value.</param>
    /// <exception cref="ArgumentException">The sizes are others.</exception>
    public LruPerCpuHashMap(LruHashMap map)
    {
        ArgumentNullException.ThrowIfNull(map);
        TypedMaps.Check(map, sizeof(TKey), sizeof(TValue), MapType.LruPerCpuHash);
        Map = map;
    }

    /// <summary>The same map, of bytes: what programs use, its figures and its owner.</summary>
    public LruHashMap Map { get; }

    /// <summary>The elements; exact while nobody adds or removes.</summary>
    public long Count => Map.Count;

    /// <summary>The most elements.</summary>
    public long Capacity => Map.Definition.Capacity;

    /// <summary>The values of each element.</summary>
    public int ProcessorCount => GroupMap.ProcessorCount;

    /// <summary>Copies the value of the processor that runs this. The element counts as used.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value; the default one where there is none.</param>
    /// <returns>Whether there is such a key.</returns>
    public bool TryGetValue(TKey key, out TValue value) => Map.TryCopyOf(key, out value, marks: true);

    /// <summary>Copies the value of the processor that runs this. It does not count as a use.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value; the default one where there is none.</param>
    /// <returns>Whether there is such a key.</returns>
    public bool TryPeek(TKey key, out TValue value) => Map.TryCopyOf(key, out value, marks: false);

    /// <summary>Copies the values of all processors, as they were at one instant. It does not count as a use.</summary>
    /// <param name="key">The key.</param>
    /// <param name="values">Where they go: room for one of each processor.</param>
    /// <returns>Whether there is such a key; otherwise nothing is copied.</returns>
    /// <exception cref="ArgumentException">There is no room for as many values as processors.</exception>
    public bool TryCopyValues(TKey key, Span<TValue> values)
    {
        TypedMaps.CheckRoomForEach<TValue>(values, ProcessorCount);
        fixed (TValue* to = values) return Map.TryCopyAll((byte*)&key, (byte*)to, sizeof(TValue));
    }

    /// <summary>The value of the processor that runs this, to read and to write. The element counts as used.</summary>
    /// <param name="key">The key.</param>
    /// <returns>A null reference where there is none: ask <see cref="Unsafe.IsNullRef"/>.</returns>
    public ref TValue GetReference(TKey key) => ref Unsafe.AsRef<TValue>(Map.Lookup((byte*)&key));

    /// <summary>The value of the processor that runs this, as a span of one element. The element counts as
    /// used.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value; empty where there is none.</param>
    /// <returns>Whether there is such a key.</returns>
    public bool TryGetSpan(TKey key, out Span<TValue> value) =>
        TypedMaps.TryGetSpan(Map.Lookup((byte*)&key), out value);

    /// <summary>The values of all processors, to read and to write. The element counts as used.</summary>
    /// <param name="key">The key.</param>
    /// <param name="values">The values; none where there is no such key.</param>
    /// <returns>Whether there is such a key.</returns>
    public bool TryGetValues(TKey key, out PerCpuValues<TValue> values)
    {
        byte* first = Map.LookupOf((byte*)&key, 0);
        values = new PerCpuValues<TValue>(first, Map.ProcessorBytes, ProcessorCount);
        return first != null;
    }

    /// <summary>Replaces the value of the processor that runs this, or adds an element, zeroed for all others; drops
    /// others where there is no room, also when it replaces.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value.</param>
    /// <returns>False only when other threads add as many elements as there is room for, all at this instant: nothing
    /// has changed.</returns>
    public bool TrySet(TKey key, TValue value) => Update(key, value, MapErrors.Any) == MapErrors.None;

    /// <summary>Adds an element, zeroed for all processors but the one that runs this; drops others where there is no
    /// room.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value.</param>
    /// <returns>False when there is one already.</returns>
    public bool TryAdd(TKey key, TValue value) => Update(key, value, MapErrors.OnlyNew) == MapErrors.None;

    /// <summary>Replaces the value of the processor that runs this. It drops nothing.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value.</param>
    /// <returns>False when there is no such key.</returns>
    public bool TryReplace(TKey key, TValue value) => Update(key, value, MapErrors.OnlyExisting) == MapErrors.None;

    /// <summary>Replaces the values of all processors at once, or adds an element with them; drops others where there
    /// is no room, also when it replaces.</summary>
    /// <param name="key">The key.</param>
    /// <param name="values">A value for each processor.</param>
    /// <returns>False as for <see cref="TrySet"/>.</returns>
    /// <exception cref="ArgumentException">There are not as many values as processors.</exception>
    public bool TrySetAll(TKey key, ReadOnlySpan<TValue> values) => UpdateAll(key, values, MapErrors.Any);

    /// <summary>Adds an element with a value for each processor; drops others where there is no room.</summary>
    /// <param name="key">The key.</param>
    /// <param name="values">A value for each processor.</param>
    /// <returns>False when there is one already.</returns>
    /// <exception cref="ArgumentException">There are not as many values as processors.</exception>
    public bool TryAddAll(TKey key, ReadOnlySpan<TValue> values) => UpdateAll(key, values, MapErrors.OnlyNew);

    /// <summary>Replaces the values of all processors at once. It drops nothing.</summary>
    /// <param name="key">The key.</param>
    /// <param name="values">A value for each processor.</param>
    /// <returns>False when there is no such key.</returns>
    /// <exception cref="ArgumentException">There are not as many values as processors.</exception>
    public bool TryReplaceAll(TKey key, ReadOnlySpan<TValue> values) => UpdateAll(key, values, MapErrors.OnlyExisting);

    /// <summary>Removes an element.</summary>
    /// <param name="key">The key.</param>
    /// <returns>False when there is none.</returns>
    public bool TryRemove(TKey key) => Map.Delete((byte*)&key) == MapErrors.None;

    /// <summary>Removes an element, and copies the values of all processors at the same instant.</summary>
    /// <param name="key">The key.</param>
    /// <param name="values">Where they go: room for one of each processor.</param>
    /// <returns>False when there is none; nothing is copied.</returns>
    /// <exception cref="ArgumentException">There is no room for as many values as processors.</exception>
    public bool TryRemove(TKey key, Span<TValue> values)
    {
        TypedMaps.CheckRoomForEach<TValue>(values, ProcessorCount);
        fixed (TValue* to = values) return Map.Take((byte*)&key, (byte*)to, sizeof(TValue)) == MapErrors.None;
    }

    /// <summary>All elements, in no order that means anything. Elements may come and go meanwhile: what is there all
    /// the while is seen once. It does not count as a use.</summary>
    public Enumerator GetEnumerator() => new(Map);

    /// <summary>Gives the memory back to its group, once no program uses the map any more.</summary>
    public void Dispose() => Map.Dispose();

    private int Update(TKey key, TValue value, ulong flags) => Map.Update((byte*)&key, (byte*)&value, flags);

    private bool UpdateAll(TKey key, ReadOnlySpan<TValue> values, ulong flags)
    {
        TypedMaps.CheckOneForEach(values, ProcessorCount);
        fixed (TValue* from = values)
        {
            return Map.UpdateAll((byte*)&key, (byte*)from, sizeof(TValue), flags) == MapErrors.None;
        }
    }

    /// <summary>Goes from element to element.</summary>
    public struct Enumerator
    {
        private readonly LruHashMap _map;
        private long _place;
        private TKey _key;
        private byte* _first;

        internal Enumerator(LruHashMap map)
        {
            _map = map;
        }

        /// <summary>The element.</summary>
        public readonly PerCpuElement<TKey, TValue> Current =>
            new(_key, new PerCpuValues<TValue>(_first, _map.ProcessorBytes, GroupMap.ProcessorCount));

        /// <summary>Goes to the next element.</summary>
        /// <returns>False after the last.</returns>
        public bool MoveNext()
        {
            TKey key = default;
            _first = _map.NextValues(ref _place, (byte*)&key);
            _key = key;
            return _first != null;
        }
    }
}
