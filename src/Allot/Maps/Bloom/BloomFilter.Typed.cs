namespace Allot.Maps;

/// <summary>A set that may say yes by mistake, and never no: a few bits for each value, outside of the managed heap,
/// charged to a group. Ask it before asking something slow.</summary>
/// <typeparam name="TValue">Compared by its bytes, those between its fields included.</typeparam>
/// <remarks>All members may be used from any thread, and none takes a lock. Nothing is allocated on use. Nobody may
/// use the filter once it is disposed.</remarks>
public sealed unsafe class BloomFilter<TValue> : IDisposable
    where TValue : unmanaged
{
    /// <summary>Makes a filter of 5 hash functions and charges the group for it: a byte or two for each
    /// value.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="capacity">How many values it is dimensioned for. With so many, about 1 in 100 others seem to be
    /// in it.</param>
    /// <exception cref="MapRefusedException">There is no filter of such sizes.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public BloomFilter(MemoryGroup group, long capacity)
        : this(group, capacity, hashFunctions: 5)
    {
    }

    /// <inheritdoc cref="BloomFilter{TValue}(MemoryGroup, long)"/>
    /// <param name="group">Who pays.</param>
    /// <param name="capacity">How many values it is dimensioned for.</param>
    /// <param name="hashFunctions">1 to 15: each makes the filter larger, and mistakes rarer.</param>
    public BloomFilter(MemoryGroup group, long capacity, int hashFunctions)
        : this(new BloomFilter(group, DefinitionOf(capacity, hashFunctions)))
    {
    }

    /// <summary>Uses a filter by a type, and owns it from here on: a map of a BPF object, say.</summary>
    /// <param name="map">Its values have the size of the type.</param>
    /// <exception cref="ArgumentException">The size is another.</exception>
    public BloomFilter(BloomFilter map)
    {
        ArgumentNullException.ThrowIfNull(map);
        TypedMaps.Check(map, keyBytes: 0, sizeof(TValue), MapType.BloomFilter);
        Map = map;
    }

    /// <summary>The same filter, of bytes: what programs use, its figures and its owner.</summary>
    public BloomFilter Map { get; }

    /// <summary>Adds a value.</summary>
    /// <param name="value">The value.</param>
    public void Add(TValue value) => _ = Map.Push((byte*)&value, MapErrors.Any);

    /// <summary>Asks for a value.</summary>
    /// <param name="value">The value.</param>
    /// <returns>True when it was added, and for some that were not; false is always right.</returns>
    public bool MayContain(TValue value) => Map.Peek((byte*)&value) == MapErrors.None;

    /// <summary>Gives the memory back to its group, once no program uses the filter any more.</summary>
    public void Dispose() => Map.Dispose();

    private static MapDefinition DefinitionOf(long capacity, int hashFunctions)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(hashFunctions, 1);
        return new MapDefinition
        {
            Name = typeof(TValue).Name,
            Type = MapType.BloomFilter,
            ValueBytes = sizeof(TValue),
            Capacity = capacity,
            MapExtra = (ulong)hashFunctions,
        };
    }
}
