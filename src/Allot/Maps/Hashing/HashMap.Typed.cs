// The compiler makes code of its own for each pair of types, in which the sizes are constants: a lookup is one short
// run of instructions from the key to the reference.

using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>Values by keys, outside of the managed heap, charged to a group. The collector does not see it, however
/// large it is, and nothing is allocated on use.</summary>
/// <typeparam name="TKey">Compared by its bytes, those between its fields included.</typeparam>
/// <typeparam name="TValue">Any type without references.</typeparam>
/// <remarks>All members may be used from any thread, and lookups take no lock. <see cref="TryGetValue"/> copies a value
/// as it was at one instant. A reference from <see cref="GetReference"/> is to the value itself: it stays good until
/// the map is disposed; others may replace the value meanwhile, and after a removal it may be another key's. Nobody may
/// use the map once it is disposed.</remarks>
public sealed unsafe partial class HashMap<TKey, TValue> : IDisposable
    where TKey : unmanaged
    where TValue : unmanaged
{
    private readonly HashTable _table;

    /// <summary>Makes a map and charges the group for it: for all elements at once.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="capacity">The most elements.</param>
    /// <exception cref="MapRefusedException">There is no map of such sizes.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public HashMap(MemoryGroup group, long capacity)
        : this(group, capacity, flags: 0)
    {
    }

    /// <inheritdoc cref="HashMap{TKey, TValue}(MemoryGroup, long)"/>
    /// <param name="group">Who pays.</param>
    /// <param name="capacity">The most elements.</param>
    /// <param name="flags">With <see cref="MapFlags.NoPreallocation"/> the group is charged as elements come.</param>
    public HashMap(MemoryGroup group, long capacity, uint flags)
        : this(new HashMap(group, TypedMaps.DefinitionOf<TKey, TValue>(MapType.Hash, capacity, flags)))
    {
    }

    /// <summary>Uses a map by types, and owns it from here on: a map of a BPF object, say.</summary>
    /// <param name="map">Keys and values have the sizes of the types, and there is one value for all
    /// processors.</param>
    /// <exception cref="ArgumentException">The sizes are others.</exception>
    public HashMap(HashMap map)
    {
        ArgumentNullException.ThrowIfNull(map);
        MapDefinition definition = map.Definition;
        if (definition.KeyBytes != sizeof(TKey) || definition.ValueBytes != sizeof(TValue)
            || definition.Type != MapType.Hash)
        {
            throw new ArgumentException(
                $"map '{definition.Name}' has keys of {definition.KeyBytes} and values of {definition.ValueBytes} "
                + $"bytes, not of {sizeof(TKey)} and {sizeof(TValue)}",
                nameof(map));
        }

        Map = map;
        _table = map.Table;
        (_seed, _chunks, nint headers, nint firstValue) = _table.Home;
        _headers = (byte*)headers;
        _firstValue = (byte*)firstValue;
    }

    /// <summary>The same map, of bytes: what programs use, its figures and its owner.</summary>
    public HashMap Map { get; }

    /// <summary>The elements; exact while nobody adds or removes.</summary>
    public long Count => _table.Count;

    /// <summary>The most elements.</summary>
    public long Capacity => Map.Definition.Capacity;

    /// <summary>Whether there is such a key.</summary>
    /// <param name="key">The key.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool ContainsKey(TKey key) => Find(key) != null;

    /// <summary>Copies a value, as it was at one instant.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value; the default one where there is none.</param>
    /// <returns>Whether there is such a key.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryGetValue(TKey key, out TValue value) => TryCopy(key, out value);

    /// <summary>The value itself, to read and to write.</summary>
    /// <param name="key">The key.</param>
    /// <returns>A null reference where there is none: ask <see cref="Unsafe.IsNullRef"/>.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ref TValue GetReference(TKey key) => ref Unsafe.AsRef<TValue>(Find(key));

    /// <summary>The value itself, as a span of one element.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value; empty where there is none.</param>
    /// <returns>Whether there is such a key.</returns>
    public bool TryGetSpan(TKey key, out Span<TValue> value)
    {
        byte* found = Find(key);
        value = found == null ? default : new Span<TValue>(found, 1);
        return found != null;
    }

    /// <summary>Adds an element, or replaces its value.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value.</param>
    /// <returns>False when it is new and the map is full, or the group may not have the memory for it
    /// (<see cref="GroupMap.LastRefusal"/>): nothing has changed.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TrySet(TKey key, in TValue value) => Update(key, in value, MapErrors.Any) == MapErrors.None;

    /// <summary>Adds an element.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value.</param>
    /// <returns>False when there is one already, or no room for it: nothing has changed.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAdd(TKey key, in TValue value) => Update(key, in value, MapErrors.OnlyNew) == MapErrors.None;

    /// <summary>Replaces a value.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value.</param>
    /// <returns>False when there is none.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReplace(TKey key, in TValue value) =>
        Update(key, in value, MapErrors.OnlyExisting) == MapErrors.None;

    /// <summary>Removes an element.</summary>
    /// <param name="key">The key.</param>
    /// <returns>False when there is none.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryRemove(TKey key) => Remove(key, null) == MapErrors.None;

    /// <summary>Removes an element, and copies its value at the same instant.</summary>
    /// <param name="key">The key.</param>
    /// <param name="value">The value; the default one where there is none.</param>
    /// <returns>False when there is none.</returns>
    public bool TryRemove(TKey key, out TValue value)
    {
        TValue taken = default;
        bool isRemoved = Remove(key, (byte*)&taken) == MapErrors.None;
        value = taken;
        return isRemoved;
    }

    /// <summary>All elements, in no order that means anything. Elements may come and go meanwhile: what is there all
    /// the while is seen once.</summary>
    public Enumerator GetEnumerator() => new(_table);

    /// <summary>Gives the memory back to its group, once no program uses the map any more.</summary>
    public void Dispose() => Map.Dispose();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Update(TKey key, in TValue value, ulong flags)
    {
        var writer = new TypedValue<TValue>(in value);
        SlotSizes<TKey, TValue> sizes = default;
        if (sizeof(TKey) == sizeof(ulong))
        {
            return _table.Update(new Key8(Unsafe.BitCast<TKey, ulong>(key)), writer, flags, sizes);
        }

        return sizeof(TKey) == sizeof(uint)
            ? _table.Update(new Key4(Unsafe.BitCast<TKey, uint>(key)), writer, flags, sizes)
            : _table.Update(new KeyBytes((byte*)&key, sizeof(TKey)), writer, flags, sizes);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int Remove(TKey key, byte* taken)
    {
        var to = new ValueCopy(taken, sizeof(TValue));
        SlotSizes<TKey, TValue> sizes = default;
        if (sizeof(TKey) == sizeof(ulong))
        {
            return _table.Remove(new Key8(Unsafe.BitCast<TKey, ulong>(key)), to, sizes);
        }

        return sizeof(TKey) == sizeof(uint)
            ? _table.Remove(new Key4(Unsafe.BitCast<TKey, uint>(key)), to, sizes)
            : _table.Remove(new KeyBytes((byte*)&key, sizeof(TKey)), to, sizes);
    }

    /// <summary>An element, while it is looked at.</summary>
    public readonly ref struct Element
    {
        private readonly ref TValue _value;

        internal Element(TKey key, ref TValue value)
        {
            Key = key;
            _value = ref value;
        }

        /// <summary>The key.</summary>
        public TKey Key { get; }

        /// <summary>The value itself.</summary>
        public ref TValue Value => ref _value;
    }

    /// <summary>Goes from element to element.</summary>
    public struct Enumerator
    {
        private readonly HashTable _table;
        private long _slot;
        private TKey _key;
        private byte* _value;

        internal Enumerator(HashTable table)
        {
            _table = table;
            _slot = -1;
        }

        /// <summary>The element.</summary>
        public readonly Element Current => new(_key, ref Unsafe.AsRef<TValue>(_value));

        /// <summary>Goes to the next element.</summary>
        /// <returns>False after the last.</returns>
        public bool MoveNext()
        {
            _slot++;
            TKey key = default;
            _value = _table.TryNext(ref _slot, (byte*)&key, sizeof(TKey));
            _key = key;
            return _value != null;
        }
    }
}
