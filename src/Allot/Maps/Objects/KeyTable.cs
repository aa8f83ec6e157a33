// Keys of any bytes, each with a number from 1 on. A bucket holds the number of its first key; each key that of the
// next one of its bucket. Free numbers are a list in the same links. Nothing here is locked: whoever owns the table
// does that.

using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Allot.Maps;

/// <summary>Numbers for keys, in memory of a map.</summary>
internal sealed unsafe class KeyTable
{
    private readonly int _keyBytes;
    private readonly uint _bucketMask;
    private readonly ulong _seed;
    private readonly int* _buckets;
    private readonly int* _next;
    private readonly byte* _keys;
    private int _free;

    public KeyTable(MapMemory memory, MapDefinition map)
    {
        uint buckets = BucketsOf(map);
        _keyBytes = map.KeyBytes;
        _bucketMask = buckets - 1;
        _seed = map.Has(MapFlags.ZeroSeed) ? 0 : BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8));
        _buckets = (int*)memory.Allocate(map, LinkBytesOf(map));
        _next = _buckets + buckets - 1;   // numbers begin at 1
        _keys = memory.Allocate(map, KeyBytesOf(map));
        for (int number = 1; number <= map.Capacity; number++) _next[number] = number - 1;
        _free = (int)map.Capacity;
    }

    public int Count { get; private set; }

    public static Int128 LinkBytesOf(MapDefinition map) => sizeof(int) * ((Int128)BucketsOf(map) + map.Capacity);

    public static Int128 KeyBytesOf(MapDefinition map) => (Int128)map.KeyBytes * map.Capacity;

    /// <summary>The number of a key; 0 if it has none.</summary>
    public int Find(byte* key)
    {
        int number = _buckets[BucketOf(key)];
        while (number != 0 && !IsKeyOf(number, key)) number = _next[number];
        return number;
    }

    /// <summary>Gives a number to a key that has none.</summary>
    /// <returns>The number; 0 when there are as many keys as there can be.</returns>
    public int Add(byte* key)
    {
        int number = _free;
        if (number == 0) return 0;
        _free = _next[number];
        Unsafe.CopyBlockUnaligned(KeyOf(number), key, (uint)_keyBytes);
        int* bucket = _buckets + BucketOf(key);
        _next[number] = *bucket;
        *bucket = number;
        Count++;
        return number;
    }

    /// <summary>Takes its number from a key.</summary>
    /// <returns>The number; 0 when it had none.</returns>
    public int Remove(byte* key)
    {
        int* link = _buckets + BucketOf(key);
        while (*link != 0 && !IsKeyOf(*link, key)) link = _next + *link;
        int number = *link;
        if (number == 0) return 0;
        *link = _next[number];
        _next[number] = _free;
        _free = number;
        Count--;
        return number;
    }

    /// <summary>The key after a key; the first one after null and after a key that has no number.</summary>
    /// <returns>False after the last.</returns>
    public bool TryNext(byte* key, byte* next)
    {
        int number = key == null ? 0 : Find(key);
        uint bucket = 0;
        if (number != 0)
        {
            bucket = BucketOf(key) + 1;
            number = _next[number];
        }

        for (; number == 0 && bucket <= _bucketMask; bucket++) number = _buckets[bucket];
        if (number == 0) return false;
        Unsafe.CopyBlockUnaligned(next, KeyOf(number), (uint)_keyBytes);
        return true;
    }

    /// <summary>The key that has a number.</summary>
    public byte* KeyOf(int number) => _keys + ((number - 1) * (long)_keyBytes);

    private static uint BucketsOf(MapDefinition map) =>
        System.Numerics.BitOperations.RoundUpToPowerOf2((uint)long.Min(map.Capacity, 1 << 30));

    private bool IsKeyOf(int number, byte* key) =>
        new ReadOnlySpan<byte>(KeyOf(number), _keyBytes).SequenceEqual(new ReadOnlySpan<byte>(key, _keyBytes));

    private uint BucketOf(byte* key) => (uint)(KeyHash.Of(key, _keyBytes, _seed) >> 32) & _bucketMask;
}
