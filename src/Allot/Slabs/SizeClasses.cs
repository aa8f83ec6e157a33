// The sizes of blocks: 8, multiples of 16 up to 128, then four steps to each doubling, so that at most a fifth of a
// block is lost above 128 bytes. What is larger than the largest comes straight from pages.

using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Allot;

internal static class SizeClasses
{
    public const int Count = FineCount + (4 * (LargestLog2 - FineLog2));
    public const int SmallestBytes = 8;

    /// <summary>What all blocks are aligned to, but for those of the smallest size.</summary>
    public const int AlignmentBytes = 16;
    public const int LargestBytes = 1 << LargestLog2;

    private const int FineCount = 9, FineLog2 = 7, LargestLog2 = 18;

    /// <summary>The bins of a thread for these classes take so many bytes.</summary>
    public const uint BinBytes = Count << SlabBin.SizeLog2;

    /// <summary>Up to here by a table: entry i is for sizes up to 16 * i, and above 8.</summary>
    public const int TableBytes = 1024;

    private static ReadOnlySpan<byte> Table =>
    [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 10, 10, 11, 11, 12, 12,
        13, 13, 13, 13, 14, 14, 14, 14, 15, 15, 15, 15, 16, 16, 16, 16,
        17, 17, 17, 17, 17, 17, 17, 17, 18, 18, 18, 18, 18, 18, 18, 18,
        19, 19, 19, 19, 19, 19, 19, 19, 20, 20, 20, 20, 20, 20, 20, 20,
    ];

    /// <summary>The smallest class that a block of a size fits in.</summary>
    /// <param name="bytes">0 to <see cref="LargestBytes"/>.</param>
    public static int IndexOf(nuint bytes) => bytes <= TableBytes ? IndexByTable(bytes) : IndexByFormula(bytes);

    /// <summary>The same for sizes up to <see cref="TableBytes"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int IndexByTable(nuint bytes)
    {
        Debug.Assert(bytes <= TableBytes, "Larger sizes are not in the table.");
        if (bytes <= SmallestBytes) return 0;
        return Unsafe.Add(ref MemoryMarshal.GetReference(Table), (nint)((bytes + 15) >> 4));
    }

    /// <summary>The same for any size above 128.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int IndexByFormula(nuint bytes)
    {
        Debug.Assert(bytes is > 1 << FineLog2 and <= LargestBytes, "Smaller sizes are multiples of 16.");
        nuint last = bytes - 1;
        int log2 = BitOperations.Log2((ulong)last);
        int step = (int)(last >> (log2 - 2)) & 3;
        return FineCount + ((log2 - FineLog2) * 4) + step;
    }

    /// <summary>The size of the blocks of a class.</summary>
    public static int BytesOf(int index)
    {
        Debug.Assert(index is >= 0 and < Count, "The class exists.");
        if (index < FineCount) return Math.Max(SmallestBytes, AlignmentBytes * index);
        int log2 = FineLog2 + ((index - FineCount) / 4), step = (index - FineCount) & 3;
        return (1 << log2) + ((step + 1) << (log2 - 2));
    }
}
