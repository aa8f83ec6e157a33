using System.Runtime.InteropServices;

namespace Allot;

/// <summary>What the allocator knows of one unit of 64 KiB: the side record of the arena.</summary>
/// <remarks>
/// A *span* is a run of units with blocks of one class. Its first unit, the head, has the second half of the record.
/// <code>Head.FreeCount + blocks in bins and batches + blocks in use == Head.CarvedCount &lt;= Head.Capacity</code>
/// The first half is read by every allocation and free, without a lock; the second is written under the lock of the
/// class, so it has a cache line of its own.
/// </remarks>
[StructLayout(LayoutKind.Sequential, Size = SizeInBytes)]
internal unsafe struct SlabUnit
{
    public const int SizeInBytes = 128;

    /// <summary>Nobody has allocated in the unit since it was empty.</summary>
    public const int NoOwner = 0;

    /// <summary>More than one owner: <see cref="Owners"/> has one for each block.</summary>
    public const int Mixed = -1;

    public readonly uint BinIndex => BinOffset >> SlabBin.SizeLog2;

    // The first block of the span. 0 where the unit has no blocks: then nothing is a valid address in it.
    public nint SpanStart;

    // 2^64 / BlockBytes, rounded up: n * Inverse, modulo 2^64, is below Inverse if and only if n is a multiple; and its
    // upper half is the quotient (D. Lemire, Faster remainder by direct computation, 2019). 0 in units of a cache: then
    // nothing is a valid address for who does not know the class.
    public ulong Inverse;

    // Blocks of the span below this offset have been handed out, or could be. The same in all units of a span.
    public nuint CarvedBytes;

    // 2^32 / (BlockBytes / 8), rounded up: the index of a block in its span is the upper half of its offset / 8 times
    // this. Exact, because a span has at most 2^20 bytes, and a block at most 2^18.
    public ulong IndexInverse;
    public int BlockBytes;

    // How many blocks start in this unit.
    public int BlockCount;

    // The owner of all blocks in use that start in this unit; NoOwner; or Mixed. Changes under the lock of the class.
    public int Owner;

    // The index in its span of the first block that starts in this unit.
    public int FirstIndex;
    public int* Owners;
    public uint BinOffset;
    public SlabUnitState State;

    // The head only.
    public byte* FreeHead;   // null where blocks have no place for a link
    public int FreeCount;
    public int CarvedCount;
    public int Capacity;
    public int Units;

    // Neighbours in the list of spans with free blocks; null at its ends. The number of the list, from 1; 0 for none.
    public SlabUnit* Next;
    public SlabUnit* Previous;
    public int List;

    // Whether it is empty and kept on purpose.
    public int IsKept;

    // Where blocks have no place for a link: a bit for each that lies free here.
    public ulong* FreeMap;
}

/// <summary>What a unit is used for.</summary>
internal enum SlabUnitState
{
    None,

    /// <summary>A part of a span.</summary>
    Slab,

    /// <summary>The first unit of a block that has units of its own.</summary>
    Large,
}
