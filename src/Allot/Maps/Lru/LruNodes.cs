using System.Runtime.CompilerServices;

namespace Allot.Maps;

/// <summary>The nodes of an LRU map, each with its key, and after them the heads of lists.</summary>
internal readonly unsafe struct LruNodes(byte* first, int keyBytes)
{
    private readonly long _strideBytes = StrideOf(keyBytes);

    public int KeyBytes { get; } = keyBytes;

    public ref LruNode this[int node]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref *(LruNode*)(first + (node * _strideBytes));
    }

    public static long StrideOf(int keyBytes) => (sizeof(LruNode) + (long)keyBytes + 7) & ~7L;

    /// <summary>The hash of a key, whose size need not be asked for where the compiler knows it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint HashOf(byte* key, int keyBytes, ulong seed)
    {
        const int MixedBest = 16;
        if (keyBytes == sizeof(ulong)) return (uint)(KeyHash.Of(Unsafe.ReadUnaligned<ulong>(key), seed) >> MixedBest);
        return keyBytes == sizeof(uint)
            ? (uint)(KeyHash.Of(Unsafe.ReadUnaligned<uint>(key), seed) >> MixedBest)
            : (uint)(KeyHash.Of(key, keyBytes, seed) >> MixedBest);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsKeyOf(int node, byte* key)
    {
        byte* own = KeyOf(node);
        if (KeyBytes == sizeof(ulong)) return Unsafe.ReadUnaligned<ulong>(own) == Unsafe.ReadUnaligned<ulong>(key);
        return KeyBytes == sizeof(uint)
            ? Unsafe.ReadUnaligned<uint>(own) == Unsafe.ReadUnaligned<uint>(key)
            : new ReadOnlySpan<byte>(own, KeyBytes).SequenceEqual(new ReadOnlySpan<byte>(key, KeyBytes));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* KeyOf(int node) => first + (node * _strideBytes) + sizeof(LruNode);
}
