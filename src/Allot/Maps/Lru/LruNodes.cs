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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* KeyOf(int node) => first + (node * _strideBytes) + sizeof(LruNode);
}
