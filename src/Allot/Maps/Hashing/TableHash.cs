// The hash of a key, of 16 bytes: the high bits of the first eight name the chunk, the low ones are the tag.
//
// Two rounds of AES, of which the seed is the key: every bit of the key reaches every byte, and who does not know the
// seed cannot choose keys that fall into one chunk. Besides, it all happens in vector registers: a lookup is as fast as
// lookups overlap while they wait for memory, and what ends that first is the number of general registers.

using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Security.Cryptography;
using Aes = System.Runtime.Intrinsics.X86.Aes;
using Avx2 = System.Runtime.Intrinsics.X86.Avx2;
using Bmi2 = System.Runtime.Intrinsics.X86.Bmi2;

namespace Allot.Maps;

internal static unsafe class TableHash
{
    private const int BlockBytes = 16;
    private const ulong FixedSeed = 0x2545_f491_4f6c_dd1d;

    /// <summary>A seed that nobody can know, or the same for all where that is asked for.</summary>
    public static Vector128<byte> SeedFor(MapDefinition map) => map.Has(MapFlags.ZeroSeed)
        ? Vector128.Create(FixedSeed, ~FixedSeed).AsByte()
        : Vector128.Create(RandomNumberGenerator.GetBytes(BlockBytes));

    /// <summary>The hash of a word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Of(ulong word, Vector128<byte> seed)
    {
        if (Aes.IsSupported) return Mix(Vector128.CreateScalar(word).AsByte() ^ seed, seed);
        return Vector128.Create(KeyHash.Of(word, seed.AsUInt64().ToScalar())).AsByte();
    }

    /// <summary>The hash of any bytes. A word's as bytes is another one.</summary>
    public static Vector128<byte> Of(byte* key, int bytes, Vector128<byte> seed)
    {
        if (!Aes.IsSupported)
        {
            return Vector128.Create(KeyHash.Of(key, bytes, seed.AsUInt64().ToScalar())).AsByte();
        }

        Vector128<byte> state = Mix(Vector128.CreateScalar((ulong)bytes).AsByte() ^ seed, seed);
        int at = 0;
        for (; at + BlockBytes <= bytes; at += BlockBytes) state = Mix(state ^ Vector128.Load(key + at), seed);
        if (at == bytes) return state;
        Vector128<byte> rest = default;
        Unsafe.CopyBlockUnaligned(&rest, key + at, (uint)(bytes - at));
        return Mix(state ^ rest, seed);
    }

    /// <summary>The chunk of a hash.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nuint ChunkOf(Vector128<byte> hash, ulong chunks)
    {
        ulong word = hash.AsUInt64().ToScalar();
        if (Bmi2.X64.IsSupported) return (nuint)Bmi2.X64.MultiplyNoFlags(word, chunks);
        return (nuint)Math.BigMul(word, chunks, out _);
    }

    /// <summary>The tag of a hash, in each byte. It is not 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> TagsOf(Vector128<byte> hash)
    {
        Vector128<byte> tags =
            Avx2.IsSupported ? Avx2.BroadcastScalarToVector128(hash) : Vector128.Create(hash.ToScalar());
        return Vector128.Max(tags, Vector128<byte>.One);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Mix(Vector128<byte> state, Vector128<byte> seed) =>
        Aes.Encrypt(Aes.Encrypt(state, seed), seed);
}
