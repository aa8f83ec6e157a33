using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Allot;

/// <summary>The free blocks of one class that a thread keeps: the magazine at hand, and one that is full or empty.
/// </summary>
/// <remarks><code>End - Batch &lt;= Top &lt;= End; the entries below Top are free blocks</code>
/// Two magazines, so that a thread that goes to and fro around the edge of one visits the class only every batch. Who
/// may touch it, and when: SlabAllocator.Bins.cs.</remarks>
[StructLayout(LayoutKind.Sequential, Size = SizeInBytes)]
internal unsafe struct SlabBin
{
    public const int SizeLog2 = 5;
    public const int SizeInBytes = 1 << SizeLog2;

    private const nint FullMark = 1;

    // Where the next free block is put. Without a magazine, Top and End are behind a Bottom that all share.
    public ulong* Top;
    public ulong* End;

    // Another magazine, with FullMark when it is full; 0 for none.
    private nint _spare;

    public uint BlockBytes;
    public int Batch;

    public readonly bool HasFullSpare => (_spare & FullMark) != 0;

    public readonly bool HasEmptySpare => _spare != 0 && (_spare & FullMark) == 0;

    public readonly bool HasSpare => _spare != 0;

    /// <summary>The other magazine; null for none.</summary>
    public readonly ulong* Spare => (ulong*)(_spare & ~FullMark);

    /// <summary>Blocks in it, where the bin has a magazine at hand.</summary>
    public readonly int Blocks(ulong* none) => (int)(Top - First(none)) + (HasFullSpare ? Batch : 0);

    /// <summary>The place of the first free block at hand.</summary>
    public readonly ulong* First(ulong* none) => End == none ? none : End - Batch;

    /// <summary>Gives up the magazine at hand.</summary>
    /// <returns>Null when there is none.</returns>
    public ulong* Unload(ulong* none)
    {
        ulong* magazine = End == none ? null : End - Batch - 1;
        Top = End = none;
        return magazine;
    }

    public void Load(ulong* magazine, int blocks)
    {
        Debug.Assert(magazine[0] == Magazine.Bottom, "A magazine begins with its bottom.");
        Debug.Assert(blocks >= 0 && blocks <= Batch, "What is loaded has a place.");
        End = magazine + 1 + Batch;
        Top = magazine + 1 + blocks;
    }

    /// <summary>Gives up the other magazine.</summary>
    public ulong* UnloadSpare(out bool isFull)
    {
        isFull = HasFullSpare;
        ulong* spare = Spare;
        _spare = 0;
        return spare;
    }

    /// <summary>The other magazine comes to hand, in exchange for the one there, which is full or empty.</summary>
    public void Turn(ulong* none)
    {
        bool isFull = Top == End;   // not of a bin without a magazine at hand, but then there is none to keep
        ulong* spare = UnloadSpare(out bool spareIsFull), atHand = Unload(none);
        Debug.Assert(spare != null, "There is another magazine.");
        if (atHand != null) LoadSpare(atHand, isFull);
        Load(spare, spareIsFull ? Batch : 0);
    }

    public void LoadSpare(ulong* magazine, bool isFull)
    {
        Debug.Assert(_spare == 0, "There is one other magazine.");
        _spare = (nint)magazine | (isFull ? FullMark : 0);
    }
}
