// Elements are numbered. A bucket holds the number of its first element, plus 1; each element that of the next one of
// its bucket. Free elements are a list in the same links. Keys and values lie in arrays of their own, so that the
// memory that programs may write holds values and nothing else.
//
// One lock protects links and keys. Values are read and written by programs without it, as in Linux; memory of values
// stays until the map ends, so an address in it is never somebody else's memory, only, after a delete, somebody else's
// element.

using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Allot.Maps;

/// <summary>Values by keys of any bytes. Memory for all elements is taken when the map is made.</summary>
public sealed unsafe class HashMap : GroupMap
{
    private readonly Lock _lock = new();
    private readonly int _keyBytes;
    private readonly long _keyStrideBytes;
    private readonly long _valueStrideBytes;
    private readonly long _valuesBytes;
    private readonly uint _bucketMask;
    private readonly ulong _seed;
    private readonly byte* _links;     // buckets, then the next of each element
    private readonly byte* _keys;
    private readonly byte* _values;
    private int _free;        // the first free element, plus 1
    private int _count;

    /// <summary>Makes the map and charges its group for it.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="definition">Keys, values and the map have at least one byte or element.</param>
    /// <exception cref="MapRefusedException">The definition is none of a hash map.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public HashMap(MemoryGroup group, MapDefinition definition)
        : base(group, definition)
    {
        _keyBytes = definition.KeyBytes;
        _keyStrideBytes = (long)MemlockFormulas.Round8(definition.KeyBytes);
        _valueStrideBytes = (long)MemlockFormulas.Round8(definition.ValueBytes);
        _valuesBytes = _valueStrideBytes * definition.Capacity;
        uint buckets = System.Numerics.BitOperations.RoundUpToPowerOf2((uint)definition.Capacity);
        _bucketMask = buckets - 1;
        _seed = definition.Has(MapFlags.ZeroSeed) ? 0 : BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8));
        (Int128 links, Int128 keys, Int128 values) = BlocksOf(definition);
        _links = Memory.Allocate(definition, links);
        _keys = Memory.Allocate(definition, keys);
        _values = Memory.Allocate(definition, values);
        for (int element = 1; element <= definition.Capacity; element++) Next(element) = element - 1;
        _free = (int)definition.Capacity;
    }

    internal static MapFootprint FootprintOf(MapDefinition definition, int processors)
    {
        (Int128 links, Int128 keys, Int128 values) = BlocksOf(definition);
        return MapFootprint.Fixed(links, keys, values);
    }

    /// <inheritdoc/>
    public override long Count => Volatile.Read(ref _count);

    /// <inheritdoc/>
    public override byte* Lookup(byte* key)
    {
        uint bucket = BucketOf(key);
        lock (_lock)
        {
            int element = Find(bucket, key);
            return element == 0 ? null : ValueOf(element);
        }
    }

    /// <inheritdoc/>
    public override int Update(byte* key, byte* value, ulong flags)
    {
        if (flags > MapErrors.OnlyExisting) return MapErrors.Invalid;
        uint bucket = BucketOf(key);
        lock (_lock)
        {
            int element = Find(bucket, key);
            if (element != 0 && flags == MapErrors.OnlyNew) return MapErrors.Exists;
            if (element == 0 && flags == MapErrors.OnlyExisting) return MapErrors.NotFound;
            if (element == 0)
            {
                if (_free == 0) return MapErrors.TooBig;
                element = _free;
                _free = Next(element);
                Unsafe.CopyBlockUnaligned(KeyOf(element), key, (uint)_keyBytes);
                Next(element) = Bucket(bucket);
                Bucket(bucket) = element;
                _count++;
            }

            Unsafe.CopyBlockUnaligned(ValueOf(element), value, (uint)Definition.ValueBytes);
            return MapErrors.None;
        }
    }

    /// <inheritdoc/>
    public override int Delete(byte* key)
    {
        uint bucket = BucketOf(key);
        lock (_lock)
        {
            ref int link = ref Bucket(bucket);
            while (link != 0)
            {
                int element = link;
                if (IsKeyOf(element, key))
                {
                    link = Next(element);
                    Next(element) = _free;
                    _free = element;
                    _count--;
                    return MapErrors.None;
                }

                link = ref Next(element);
            }

            return MapErrors.NotFound;
        }
    }

    /// <inheritdoc/>
    public override int NextKey(byte* key, byte* next)
    {
        uint bucket = key == null ? 0 : BucketOf(key);
        lock (_lock)
        {
            int element = key == null ? 0 : Find(bucket, key);
            if (element != 0)
            {
                element = Next(element);
                bucket++;
            }
            else
            {
                bucket = 0;
            }

            for (; element == 0 && bucket <= _bucketMask; bucket++) element = Bucket(bucket);
            if (element == 0) return MapErrors.NotFound;
            Unsafe.CopyBlockUnaligned(next, KeyOf(element), (uint)_keyBytes);
            return MapErrors.None;
        }
    }

    /// <inheritdoc/>
    public override bool Contains(ulong address, ulong bytes, bool writes)
    {
        ulong at = address - (ulong)_values;
        return at < (ulong)_valuesBytes && bytes <= (ulong)_valuesBytes - at;
    }

    internal override (ulong Address, long Bytes) Region => ((ulong)_values, _valuesBytes);

    private protected override MapBatchKinds Batches => MapBatchKinds.All;

    private static (Int128 Links, Int128 Keys, Int128 Values) BlocksOf(MapDefinition definition)
    {
        Int128 n = definition.Capacity;
        return (
            sizeof(int) * (MemlockFormulas.PowerOfTwo(n) + n),
            n * MemlockFormulas.Round8(definition.KeyBytes),
            n * MemlockFormulas.Round8(definition.ValueBytes));
    }

    private int Find(uint bucket, byte* key)
    {
        int element = Bucket(bucket);
        while (element != 0 && !IsKeyOf(element, key)) element = Next(element);
        return element;
    }

    private bool IsKeyOf(int element, byte* key) =>
        new ReadOnlySpan<byte>(KeyOf(element), _keyBytes).SequenceEqual(new ReadOnlySpan<byte>(key, _keyBytes));

    private ref int Bucket(uint bucket) => ref ((int*)_links)[bucket];

    private ref int Next(int element) => ref ((int*)_links)[_bucketMask + element];

    private byte* KeyOf(int element) => _keys + ((element - 1) * _keyStrideBytes);

    private byte* ValueOf(int element) => _values + ((element - 1) * _valueStrideBytes);

    // The seed keeps a program from choosing keys that all fall into one bucket.
    private uint BucketOf(byte* key)
    {
        ulong hash = _seed ^ 0x9e37_79b9_7f4a_7c15;
        int at = 0;
        for (; at + 8 <= _keyBytes; at += 8) hash = Mix(hash, Unsafe.ReadUnaligned<ulong>(key + at));
        ulong rest = 0;
        for (int shift = 0; at < _keyBytes; at++, shift += 8) rest |= (ulong)key[at] << shift;
        hash = Mix(hash, rest);
        return (uint)(hash >> 32) & _bucketMask;
    }

    private static ulong Mix(ulong hash, ulong word)
    {
        hash = (hash ^ word) * 0xff51_afd7_ed55_8ccd;
        hash = (hash ^ (hash >> 32)) * 0xc4ce_b9fe_1a85_ec53;
        return hash ^ (hash >> 29);
    }
}
