using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Allot.Maps;

/// <summary>64 bits of any bytes, well mixed. A seed that nobody can know keeps a program from choosing keys that all
/// fall into one bucket.</summary>
internal static unsafe class ByteHash
{
    private const ulong Start = 0x9e37_79b9_7f4a_7c15;

    /// <summary>A seed for a map: 0 where its hash function is to be the same in every map.</summary>
    public static ulong SeedFor(MapDefinition definition) =>
        definition.Has(MapFlags.ZeroSeed) ? 0 : BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Of(byte* bytes, long count, ulong seed)
    {
        if (count == sizeof(ulong)) return Mix(seed ^ Start, Unsafe.ReadUnaligned<ulong>(bytes));
        return count == sizeof(uint)
            ? Mix(seed ^ Start, Unsafe.ReadUnaligned<uint>(bytes))
            : OfAny(bytes, count, seed);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool AreEqual(byte* one, byte* other, int count)
    {
        if (count == sizeof(ulong)) return Unsafe.ReadUnaligned<ulong>(one) == Unsafe.ReadUnaligned<ulong>(other);
        return count == sizeof(uint)
            ? Unsafe.ReadUnaligned<uint>(one) == Unsafe.ReadUnaligned<uint>(other)
            : new ReadOnlySpan<byte>(one, count).SequenceEqual(new ReadOnlySpan<byte>(other, count));
    }

    private static ulong OfAny(byte* bytes, long count, ulong seed)
    {
        ulong hash = seed ^ Start ^ (ulong)count;
        long at = 0;
        for (; at + 8 <= count; at += 8) hash = Mix(hash, Unsafe.ReadUnaligned<ulong>(bytes + at));
        ulong rest = 0;
        for (int shift = 0; at < count; at++, shift += 8) rest |= (ulong)bytes[at] << shift;
        return Mix(hash, rest);
    }

    private static ulong Mix(ulong hash, ulong word)
    {
        hash = (hash ^ word) * 0xff51_afd7_ed55_8ccd;
        hash = (hash ^ (hash >> 32)) * 0xc4ce_b9fe_1a85_ec53;
        return hash ^ (hash >> 29);
    }
}
