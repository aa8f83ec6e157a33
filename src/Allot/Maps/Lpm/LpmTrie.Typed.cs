using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>Values by prefixes of addresses, outside of the managed heap, charged to a group: a table of routes. A
/// lookup finds the longest prefix that an address begins with.</summary>
/// <typeparam name="TAddress">A string of bits: the bytes as they lie in memory, the highest bit of each first. The
/// bytes of an <see cref="System.Net.IPAddress"/> are in that order; a number is not, where the machine is
/// little-endian.</typeparam>
/// <typeparam name="TValue">Any type without references.</typeparam>
/// <remarks>All members may be used from any thread, and lookups take no lock.
/// <see cref="TryMatch(TAddress, out TValue)"/> copies a value as it was at one instant. The group is charged as
/// prefixes are added; the memory of those that are removed is kept for the next ones. Nobody may use the map once it
/// is disposed.</remarks>
public sealed unsafe class LpmTrie<TAddress, TValue> : IDisposable
    where TAddress : unmanaged
    where TValue : unmanaged
{
    /// <summary>Makes a trie.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="capacity">The most prefixes.</param>
    /// <exception cref="MapRefusedException">There is no trie of such sizes: an address has 1 to 256 bytes.</exception>
    public LpmTrie(MemoryGroup group, long capacity)
        : this(new LpmTrie(group, DefinitionOf(capacity)))
    {
    }

    /// <summary>Uses a trie by types, and owns it from here on: a map of a BPF object, say.</summary>
    /// <param name="map">Addresses and values have the sizes of the types.</param>
    /// <exception cref="ArgumentException">The sizes are others.</exception>
    public LpmTrie(LpmTrie map)
    {
        ArgumentNullException.ThrowIfNull(map);
        TypedMaps.Check(map, sizeof(uint) + sizeof(TAddress), sizeof(TValue), MapType.LpmTrie);
        Map = map;
    }

    private static int BitsOfAddress => sizeof(TAddress) * 8;

    /// <summary>The same map, of bytes: what programs use, its figures and its owner.</summary>
    public LpmTrie Map { get; }

    /// <summary>The prefixes; exact while nobody adds or removes.</summary>
    public long Count => Map.Count;

    /// <summary>The most prefixes.</summary>
    public long Capacity => Map.Definition.Capacity;

    /// <summary>Copies the value of the longest prefix of an address.</summary>
    /// <param name="address">The address.</param>
    /// <param name="value">The value; the default one where there is none.</param>
    /// <returns>Whether there is such a prefix.</returns>
    public bool TryMatch(TAddress address, out TValue value) => TryMatch(address, BitsOfAddress, out value);

    /// <summary>Copies the value of the longest prefix of a prefix.</summary>
    /// <param name="address">The address.</param>
    /// <param name="bits">So many of its bits.</param>
    /// <param name="value">The value; the default one where there is none.</param>
    /// <returns>Whether there is such a prefix.</returns>
    public bool TryMatch(TAddress address, int bits, out TValue value)
    {
        byte* key = stackalloc byte[sizeof(uint) + sizeof(TAddress)];
        WriteKey(key, address, bits);
        TValue found = default;
        bool isFound = Map.TryCopy(key, (byte*)&found);
        value = found;
        return isFound;
    }

    /// <summary>The value itself of the longest prefix, as a span of one element, to read and to write. After a
    /// removal it may be another prefix's.</summary>
    /// <param name="address">The address.</param>
    /// <param name="value">The value; empty where there is none.</param>
    /// <returns>Whether there is such a prefix.</returns>
    public bool TryGetSpan(TAddress address, out Span<TValue> value)
    {
        byte* key = stackalloc byte[sizeof(uint) + sizeof(TAddress)];
        WriteKey(key, address, BitsOfAddress);
        return TypedMaps.TryGetSpan(Map.Lookup(key), out value);
    }

    /// <summary>Adds a prefix, or replaces its value.</summary>
    /// <param name="address">The address. Its bits after the prefix mean nothing.</param>
    /// <param name="bits">So many of its bits.</param>
    /// <param name="value">The value.</param>
    /// <returns>False when it is new and the trie is full, or the group may not have the memory for it
    /// (<see cref="GroupMap.LastRefusal"/>): nothing has changed.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An address has not so many bits.</exception>
    public bool TrySet(TAddress address, int bits, in TValue value) => Update(address, bits, value, MapErrors.Any);

    /// <summary>Adds a prefix.</summary>
    /// <param name="address">The address. Its bits after the prefix mean nothing.</param>
    /// <param name="bits">So many of its bits.</param>
    /// <param name="value">The value.</param>
    /// <returns>False when there is one already, or no room or memory for it: nothing has changed.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An address has not so many bits.</exception>
    public bool TryAdd(TAddress address, int bits, in TValue value) => Update(address, bits, value, MapErrors.OnlyNew);

    /// <summary>Replaces the value of a prefix.</summary>
    /// <param name="address">The address. Its bits after the prefix mean nothing.</param>
    /// <param name="bits">So many of its bits.</param>
    /// <param name="value">The value.</param>
    /// <returns>False when there is none.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An address has not so many bits.</exception>
    public bool TryReplace(TAddress address, int bits, in TValue value) =>
        Update(address, bits, value, MapErrors.OnlyExisting);

    /// <summary>Removes a prefix. Shorter ones that it hid are found again.</summary>
    /// <param name="address">The address. Its bits after the prefix mean nothing.</param>
    /// <param name="bits">So many of its bits.</param>
    /// <returns>False when there is none.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An address has not so many bits.</exception>
    public bool TryRemove(TAddress address, int bits)
    {
        CheckBits(bits);
        byte* key = stackalloc byte[sizeof(uint) + sizeof(TAddress)];
        WriteKey(key, address, bits);
        return Map.Delete(key) == MapErrors.None;
    }

    /// <summary>Copies of all prefixes and values, longer ones before the shorter ones that they begin with, and 0
    /// before 1. Prefixes may come and go meanwhile: what is there all the while is seen once.</summary>
    public Enumerator GetEnumerator() => new(Map);

    /// <summary>Gives the memory back to its group, once no program uses the map any more.</summary>
    public void Dispose() => Map.Dispose();

    private bool Update(TAddress address, int bits, TValue value, ulong flags)
    {
        CheckBits(bits);
        byte* key = stackalloc byte[sizeof(uint) + sizeof(TAddress)];
        WriteKey(key, address, bits);
        return Map.Update(key, (byte*)&value, flags) == MapErrors.None;
    }

    private static void CheckBits(int bits)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bits);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, BitsOfAddress);
    }

    private static void WriteKey(byte* key, TAddress address, int bits)
    {
        Unsafe.WriteUnaligned(key, bits);
        Unsafe.WriteUnaligned(key + sizeof(uint), address);
    }

    private static MapDefinition DefinitionOf(long capacity) => new()
    {
        Name = $"prefixes of {typeof(TAddress).Name} to {typeof(TValue).Name}",
        Type = MapType.LpmTrie,
        KeyBytes = sizeof(uint) + sizeof(TAddress),
        ValueBytes = sizeof(TValue),
        Capacity = capacity,
        Flags = MapFlags.NoPreallocation,
    };

    /// <summary>A prefix and its value, as they were at one instant.</summary>
    /// <param name="Address">The address.</param>
    /// <param name="Bits">So many of its bits are the prefix.</param>
    /// <param name="Value">The value.</param>
    public readonly record struct Element(TAddress Address, int Bits, TValue Value);

    /// <summary>Goes from prefix to prefix.</summary>
    public struct Enumerator
    {
        private readonly LpmTrie _map;
        private bool _isBegun;
        private Element _current;

        internal Enumerator(LpmTrie map) => _map = map;

        /// <summary>The prefix and its value.</summary>
        public readonly Element Current => _current;

        /// <summary>Goes to the next prefix.</summary>
        /// <returns>False after the last.</returns>
        public bool MoveNext()
        {
            byte* key = stackalloc byte[sizeof(uint) + sizeof(TAddress)];
            TValue value;
            WriteKey(key, _current.Address, _current.Bits);
            if (!_map.TryCopyNext(_isBegun ? key : null, key, (byte*)&value)) return false;
            _isBegun = true;
            _current = new Element(
                Unsafe.ReadUnaligned<TAddress>(key + sizeof(uint)), Unsafe.ReadUnaligned<int>(key), value);
            return true;
        }
    }
}
