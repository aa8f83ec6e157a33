// The centre of one class of blocks: what threads fetch batches from, and bring them to.
//
// Two stores. *Batches* are full magazines, passed on without a look at the blocks, in exchange for empty ones: the
// first few in a rack, by one atomic exchange (MagazineRack), the others under the lock of the class. *Spans* are runs
// of units, under that lock too; blocks that come back to their span show when it is empty, and then its units go back
// to the arena. Spans that still have blocks to give are listed by how many: blocks come from the fullest, so that
// others get empty (SlabClass.Spans.cs).
//
// Lock order: the lock of a class, then SlabAllocator.SpansLock, then those of MetadataBlocks and PageArena. No foreign
// code runs under any.

using System.Diagnostics;
using System.Numerics;

namespace Allot;

internal sealed unsafe partial class SlabClass
{
    // With its bottom, a magazine of the most blocks is 2 KiB.
    private const int BatchBytes = 64 << 10, BatchMost = 255, BatchFewest = 4, BatchFewestLarge = 2;
    private const int BatchesBytes = 1 << 20, BatchesFewest = 4, BatchesMost = 64;
    private const int BlocksPerSpan = 8, BlocksPerLargeSpan = 4;

    private readonly SteadyLock _lock = new();
    private readonly SlabAllocator _allocator;
    private readonly ulong _indexInverse;
    private int _emptySpansMost;

    // Under the lock: empty spans that are kept on purpose, each with IsKept.
    private int _emptySpans;

    private volatile bool _hasEnded;

    // Written under the lock.
    private volatile bool _isClosed;

    private int _spans;
    private long _capacity;
    private long _centralFree;   // carved blocks that lie in spans
    private long _carved;

    public SlabClass(SlabAllocator allocator, int index, int blockBytes, SlabCache? cache)
    {
        Debug.Assert(blockBytes >= SizeClasses.SmallestBytes, "A free block has a mark.");
        bool isAligned = blockBytes % SizeClasses.AlignmentBytes == 0 || blockBytes == SizeClasses.SmallestBytes;
        Debug.Assert(isAligned, "Blocks are aligned.");
        _allocator = allocator;
        Inverse = (ulong.MaxValue / (uint)blockBytes) + 1;
        _indexInverse = ((1UL << 32) + (uint)(blockBytes >> 3) - 1) / (uint)(blockBytes >> 3);
        Index = index;
        Cache = cache;
        BlockBytes = blockBytes;
        bool isLarge = blockBytes > PageArena.UnitBytes;
        Batch = Math.Clamp(BatchBytes / blockBytes, isLarge ? BatchFewestLarge : BatchFewest, BatchMost);
        int batches = BatchesByDefault(Batch * blockBytes);
        _places = Math.Min(batches, MagazineRack.Places);
        _batches = new nint[batches - _places];
        _empties = new nint[batches];
        int blocks = isLarge ? BlocksPerLargeSpan : BlocksPerSpan;
        long spanBytes = Math.Max(PageArena.UnitBytes, (long)blocks * blockBytes);
        UnitsPerSpan = (int)((spanBytes + PageArena.UnitBytes - 1) >> PageArena.UnitShift);
        BlocksInSpan = (UnitsPerSpan << PageArena.UnitShift) / blockBytes;
        _listShift = Math.Max(0, BitOperations.Log2((uint)BlocksInSpan) - (ListsLog2 - 1));
    }

    public int Index { get; }

    public int BlockBytes { get; }

    /// <summary>Where its bin lies among those of a thread.</summary>
    public uint BinOffset => (uint)Index << SlabBin.SizeLog2;

    /// <summary>2^64 / BlockBytes, rounded up: see SlabUnit.</summary>
    public ulong Inverse { get; }

    /// <summary>The cache that it is for; null for one of <see cref="SizeClasses"/>.</summary>
    public SlabCache? Cache { get; }

    /// <summary>The group that it was for is removed: nobody keeps its blocks, and hardly anybody comes back for
    /// more.</summary>
    public bool HasEnded
    {
        get => _hasEnded;
        set => _hasEnded = value;
    }

    /// <summary>Nobody gets a block of it: all lie here, and none lies in a bin.</summary>
    public bool IsClosed => _isClosed;

    /// <summary>Blocks that move between a thread and the class at a time.</summary>
    public int Batch { get; }

    public int UnitsPerSpan { get; }

    /// <summary>How many blocks a span can have.</summary>
    public int BlocksInSpan { get; }

    /// <summary>What the class holds and what of it is free here; bins of threads are not counted. What is free is
    /// exact when no thread brings or takes a batch meanwhile.</summary>
    public SlabClassCounts ReadCounts()
    {
        using (_lock.EnterScope())
        {
            return new SlabClassCounts(_spans, _capacity, _carved, CountFree_NeedsLock());
        }
    }

    /// <summary>Changes to who owns a unit of this class are made under its lock.</summary>
    public SteadyLock OwnersLock => _lock;

    /// <summary>Brings any number of blocks back to their spans.</summary>
    /// <param name="entries">As in a magazine.</param>
    /// <param name="count">How many.</param>
    /// <returns>Whether no block is outside any more.</returns>
    public bool BringToSpans(ulong* entries, int count)
    {
        using (_lock.EnterScope())
        {
            BringToSpans_NeedsLock(entries, count);
            return HasAll_NeedsLock;
        }
    }

    /// <summary>Brings a magazine back, with the blocks in it.</summary>
    public void BringToSpans(ulong* magazine, ulong* top)
    {
        using (_lock.EnterScope())
        {
            BringToSpans_NeedsLock(magazine + 1, (int)(top - magazine) - 1);
            KeepEmpty_NeedsLock(magazine);
        }
    }

    /// <summary>Gives empty spans back to the arena.</summary>
    /// <param name="all">False: only batches that nobody has needed since the last call are looked at.</param>
    public void Trim(bool all)
    {
        using (_lock.EnterScope())
        {
            AssertInvariants_NeedsLock();
            TrimBatches_NeedsLock(all);
            ReleaseEmpty_NeedsLock(all ? 0 : _emptySpansMost);
        }
    }

    /// <summary>The blocks that are in use.</summary>
    public List<nint> ReadInUse()
    {
        List<nint> inUse = [];
        using (_lock.EnterScope())
        {
            foreach (nint span in _allocator.SpansOf(this)) _allocator.ListInUse((SlabUnit*)span, inUse);
        }

        return inUse;
    }

    /// <summary>Gives all spans back, with the blocks that are in use.</summary>
    /// <returns>How many those were, by owner.</returns>
    public Dictionary<int, long> ReleaseAll()
    {
        Dictionary<int, long> inUse = [];
        using (_lock.EnterScope())
        {
            AssertInvariants_NeedsLock();
            while (_batchCount > 0) EndBatch_NeedsLock(_batches[--_batchCount]);
            _lowest = 0;
            ClearRack_NeedsLock();
            foreach (nint span in _allocator.SpansOf(this))
            {
                _allocator.CountInUse((SlabUnit*)span, inUse);
                Release_NeedsLock((SlabUnit*)span);
            }
        }

        return inUse;
    }

    /// <summary>Closes the class if all its blocks lie here. In one step: who comes for a block has it before, and the
    /// class stays open; or comes afterwards, and gets none.</summary>
    public bool TryClose()
    {
        using (_lock.EnterScope())
        {
            AssertInvariants_NeedsLock();
            ClearRack_NeedsLock();   // and until the lock is left, nothing comes: so all are counted
            _isClosed |= HasAll_NeedsLock;
            return _isClosed;
        }
    }

    /// <summary>Takes that back.</summary>
    public void Reopen()
    {
        using (_lock.EnterScope()) _isClosed = false;
    }

    /// <summary>Whether no free block is kept between threads.</summary>
    public bool IsQuiet
    {
        get
        {
            using (_lock.EnterScope()) return _batchCount == 0 && _emptyCount == 0 && _rack.IsEmpty;
        }
    }

    private bool HasAll_NeedsLock => CountFree_NeedsLock() == _carved;

    internal void Initialize(SlabUnit* span, int first)
    {
        nint start = _allocator.Arena.AddressOf(first);
        for (int i = 0; i < UnitsPerSpan; i++)
        {
            nint unitStart = (nint)i << PageArena.UnitShift, unitEnd = unitStart + PageArena.UnitBytes;
            int from = (int)((unitStart + BlockBytes - 1) / BlockBytes);
            int to = (int)((unitEnd + BlockBytes - 1) / BlockBytes);
            span[i] = new SlabUnit
            {
                SpanStart = start,
                Inverse = Cache is null ? Inverse : 0,
                BlockBytes = BlockBytes,
                FirstIndex = from,
                BlockCount = Math.Min(to, BlocksInSpan) - Math.Min(from, BlocksInSpan),
                BinOffset = BinOffset,
                IndexInverse = _indexInverse,
                State = SlabUnitState.Slab,
            };
        }

        span->Capacity = BlocksInSpan;
        span->Units = UnitsPerSpan;
    }

    [Conditional("DEBUG")]
    private void AssertInvariants_NeedsLock()
    {
        Debug.Assert(_lock.IsHeldByCurrentThread, "Spans are read under the lock of their class.");
        Debug.Assert(_batchCount >= 0 && _batchCount <= _batches.Length, "Batches fit their store.");
        Debug.Assert(_lowest >= 0 && _lowest <= _batches.Length, "The fewest batches is a number of batches.");
        Debug.Assert(_centralFree >= 0, "There are never fewer than no free blocks.");
        Debug.Assert(_centralFree + ((long)_batchCount * Batch) <= _carved, "What is free was carved.");
        Debug.Assert(_carved <= _capacity, "No more is carved than there is.");
    }
}
