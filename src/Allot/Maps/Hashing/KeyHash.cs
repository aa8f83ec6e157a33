// A multiplication to 128 bits whose halves are folded, as in wyhash: its high bits name the chunk, its low ones the
// tag.
// The seed keeps a program from choosing keys that all fall into one chunk.

using System.Runtime.CompilerServices;
using System.Security.Cryptography;

namespace Allot.Maps;

internal static unsafe class KeyHash
{
    private const ulong Factor = 0x9e37_79b9_7f4a_7c15, LengthFactor = 0xe703_7ed1_a0b4_28db;

    /// <summary>A seed that nobody can know, or 0 where the hash function is to be the same in every map.</summary>
    public static ulong SeedFor(MapDefinition map) =>
        map.Has(MapFlags.ZeroSeed) ? 0 : BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Of(ulong word, ulong seed)
    {
        ulong high = Math.BigMul(word ^ seed, Factor, out ulong low);
        return high ^ low;
    }

    public static ulong Of(byte* key, int bytes, ulong seed)
    {
        ulong hash = seed ^ ((ulong)bytes * LengthFactor);
        int at = 0;
        for (; at + 8 <= bytes; at += 8) hash = Of(Unsafe.ReadUnaligned<ulong>(key + at), hash);
        ulong rest = 0;
        for (int shift = 0; at < bytes; at++, shift += 8) rest |= (ulong)key[at] << shift;
        return Of(rest, hash);
    }
}
