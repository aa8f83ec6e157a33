// The centre of one class of blocks: what threads fetch batches from, and bring them to.
//
// Two stores, both under the lock of the class. *Batches* are full magazines, passed on without a look at the blocks,
// in exchange for empty ones. *Spans* are runs of units; blocks that come back to their span show when it is empty, and
// then its units go back to the arena. A span that still has blocks to give is listed.
//
// Lock order: the lock of a class, then SlabAllocator.SpansLock, then those of MetadataBlocks and PageArena. No foreign
// code runs under any.

using System.Diagnostics;

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
    private nint[] _batches;
    private nint[] _empties;
    private int _emptySpansMost;

    // Under the lock: empty spans that are kept on purpose, each with IsKept.
    private int _emptySpans;

    // Under the lock: 0 <= _batchCount <= _batches.Length; _lowest is the fewest since Trim last looked.
    private int _batchCount;
    private int _lowest;
    private int _emptyCount;

    // Under the lock: spans with blocks to give, each with IsListed.
    private SlabUnit* _listed;
    private int _spans;
    private long _capacity;
    private long _centralFree;   // carved blocks that lie in spans
    private long _carved;

    public SlabClass(SlabAllocator allocator, int index, int blockBytes, SlabCache? cache)
    {
        Debug.Assert(blockBytes >= SizeClasses.SmallestBytes, "A free block has a link.");
        Debug.Assert(blockBytes % SizeClasses.SmallestBytes == 0, "Blocks are aligned.");
        _allocator = allocator;
        Inverse = (ulong.MaxValue / (uint)blockBytes) + 1;
        _indexInverse = ((1UL << 32) + (uint)(blockBytes >> 4) - 1) / (uint)(blockBytes >> 4);
        Index = index;
        Cache = cache;
        BlockBytes = blockBytes;
        bool isLarge = blockBytes > PageArena.UnitBytes;
        Batch = Math.Clamp(BatchBytes / blockBytes, isLarge ? BatchFewestLarge : BatchFewest, BatchMost);
        _batches = new nint[BatchesByDefault(Batch * blockBytes)];
        _empties = new nint[_batches.Length];
        int blocks = isLarge ? BlocksPerLargeSpan : BlocksPerSpan;
        long spanBytes = Math.Max(PageArena.UnitBytes, (long)blocks * blockBytes);
        UnitsPerSpan = (int)((spanBytes + PageArena.UnitBytes - 1) >> PageArena.UnitShift);
        BlocksInSpan = (UnitsPerSpan << PageArena.UnitShift) / blockBytes;
    }

    public int Index { get; }

    public int BlockBytes { get; }

    /// <summary>Where its bin lies among those of a thread.</summary>
    public uint BinOffset => (uint)Index << SlabBin.SizeLog2;

    /// <summary>2^64 / BlockBytes, rounded up: see SlabUnit.</summary>
    public ulong Inverse { get; }

    /// <summary>The cache that it is for; null for one of <see cref="SizeClasses"/>.</summary>
    public SlabCache? Cache { get; }

    /// <summary>Blocks that move between a thread and the class at a time.</summary>
    public int Batch { get; }

    public int UnitsPerSpan { get; }

    /// <summary>How many blocks a span can have.</summary>
    public int BlocksInSpan { get; }

    /// <summary>What the class holds and what of it is free here; bins of threads are not counted.</summary>
    public SlabClassCounts ReadCounts()
    {
        using (_lock.EnterScope())
        {
            return new SlabClassCounts(_spans, _capacity, _carved, _centralFree + ((long)_batchCount * Batch));
        }
    }

    /// <summary>Changes to who owns a unit of this class are made under its lock.</summary>
    public SteadyLock OwnersLock => _lock;

    /// <summary>Fills a bin with up to a batch of blocks.</summary>
    /// <param name="bin">It has no block, and no full magazine.</param>
    /// <param name="none">Where it has its top without a magazine.</param>
    /// <returns>False when the system has no memory.</returns>
    public bool TryFetch(SlabBin* bin, ulong* none)
    {
        _allocator.NoteActivity();
        using (_lock.EnterScope())
        {
            AssertInvariants_NeedsLock();
            Debug.Assert(bin->Blocks(none) == 0, "Only an empty bin is filled.");
            ulong* magazine = bin->Unload(none);
            if (_batchCount > 0)
            {
                if (magazine != null) KeepEmpty_NeedsLock(magazine);
                bin->Load((ulong*)_batches[--_batchCount], Batch);
                _lowest = Math.Min(_lowest, _batchCount);
                return true;
            }

            if (magazine == null) magazine = TryTakeEmpty_NeedsLock();
            if (magazine == null) return false;
            int count = Fill_NeedsLock(magazine + 1);
            bin->Load(magazine, count);
            return count > 0;
        }
    }

    /// <summary>Brings a full magazine in exchange for an empty one.</summary>
    public ulong* Exchange(ulong* full)
    {
        using (_lock.EnterScope())
        {
            AssertInvariants_NeedsLock();
            if (_batchCount < _batches.Length)
            {
                ulong* empty = TryTakeEmpty_NeedsLock();
                if (empty != null)
                {
                    _batches[_batchCount++] = (nint)full;
                    return empty;
                }
            }

            BringToSpans_NeedsLock(full + 1, Batch);
            return full;
        }
    }

    /// <summary>An empty magazine.</summary>
    /// <returns>Null when the system has no memory.</returns>
    public ulong* TryTakeEmpty()
    {
        using (_lock.EnterScope()) return TryTakeEmpty_NeedsLock();
    }

    /// <summary>Brings any number of blocks back to their spans.</summary>
    /// <param name="entries">As in a magazine.</param>
    /// <param name="count">How many.</param>
    public void BringToSpans(ulong* entries, int count)
    {
        using (_lock.EnterScope()) BringToSpans_NeedsLock(entries, count);
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
            int idle = all ? _batchCount : _lowest;
            for (int i = 0; i < idle; i++)
            {
                var magazine = (ulong*)_batches[i];
                BringToSpans_NeedsLock(magazine + 1, Batch);
                _allocator.FreeMagazine(magazine, Batch);
            }

            Array.Copy(_batches, idle, _batches, 0, _batchCount - idle);
            _batchCount -= idle;
            _lowest = _batchCount;
            while (_emptyCount > 0) _allocator.FreeMagazine((ulong*)_empties[--_emptyCount], Batch);
            ReleaseEmpty_NeedsLock(all ? 0 : _emptySpansMost);
        }
    }

    /// <summary>Gives all spans back, with the blocks that are in use.</summary>
    /// <returns>How many those were, by owner.</returns>
    public Dictionary<int, long> ReleaseAll()
    {
        Dictionary<int, long> inUse = [];
        using (_lock.EnterScope())
        {
            AssertInvariants_NeedsLock();
            while (_batchCount > 0)
            {
                var magazine = (ulong*)_batches[--_batchCount];
                BringToSpans_NeedsLock(magazine + 1, Batch);
                _allocator.FreeMagazine(magazine, Batch);
            }

            _lowest = 0;
            foreach (nint span in _allocator.SpansOf(this))
            {
                _allocator.CountInUse((SlabUnit*)span, inUse);
                Release_NeedsLock((SlabUnit*)span);
            }
        }

        return inUse;
    }

    /// <summary>Whether no free block is kept between threads.</summary>
    public bool IsQuiet
    {
        get
        {
            using (_lock.EnterScope()) return _batchCount == 0 && _emptyCount == 0;
        }
    }

    private ulong* TryTakeEmpty_NeedsLock() =>
        _emptyCount > 0 ? (ulong*)_empties[--_emptyCount] : _allocator.TryMakeMagazine(Batch);

    private void KeepEmpty_NeedsLock(ulong* magazine)
    {
        if (_emptyCount < _empties.Length) _empties[_emptyCount++] = (nint)magazine;
        else _allocator.FreeMagazine(magazine, Batch);
    }

    // Up to a batch, those of lower addresses above, so that they are taken first.
    private int Fill_NeedsLock(ulong* entries)
    {
        int count = 0;
        while (count < Batch)
        {
            SlabUnit* span = _listed;
            if (span == null)
            {
                span = _allocator.TryMakeSpan(this);
                if (span == null) break;
                _spans++;
                _capacity += BlocksInSpan;
                List_NeedsLock(span);
            }

            count += TakeFromSpan_NeedsLock(span, entries + count, Batch - count);
            if (span->FreeCount == 0 && span->CarvedCount == span->Capacity) Unlist_NeedsLock(span);
        }

        return count;
    }

    private int TakeFromSpan_NeedsLock(SlabUnit* span, ulong* entries, int wanted)
    {
        ForgetKept_NeedsLock(span);
        int fromList = Math.Min(wanted, span->FreeCount);
        for (int i = 0; i < fromList; i++)
        {
            byte* block = span->FreeHead;
            if (!IsBlockOf(span, block) || !FreeBlock.IsFree(block))
            {
                _allocator.Fail(block, "was written to after it was freed, or the one before it in its slab");
                return 0;
            }

            span->FreeHead = ((FreeBlock*)block)->Next;
            entries[i] = _allocator.EntryOf(block);
        }

        span->FreeCount -= fromList;
        _centralFree -= fromList;
        int fresh = Math.Min(wanted - fromList, span->Capacity - span->CarvedCount);
        if (fresh > 0) Carve_NeedsLock(span, entries + fromList, fresh);
        return fromList + fresh;
    }

    // Blocks that nobody has had yet.
    private void Carve_NeedsLock(SlabUnit* span, ulong* entries, int count)
    {
        byte* first = (byte*)span->SpanStart + ((nint)span->CarvedCount * BlockBytes);
        for (int i = 0; i < count; i++)
        {
            byte* block = first + ((nint)i * BlockBytes);
            if (Cache is { ConstructedAt: >= 0 }) *(long*)(block + Cache.ConstructedAt) = 0;
            FreeBlock.SetFree(block);
            entries[count - 1 - i] = _allocator.EntryOf(block);
        }

        span->CarvedCount += count;
        _carved += count;
        nuint carvedBytes = (nuint)(span->CarvedCount * BlockBytes);
        for (int i = 0; i < span->Units; i++) Volatile.Write(ref span[i].CarvedBytes, carvedBytes);
    }

    private void BringToSpans_NeedsLock(ulong* entries, int count)
    {
        for (int i = 0; i < count; i++)
        {
            byte* block = _allocator.BlockOf(entries[i]);
            if (!FreeBlock.IsFree(block)) _allocator.Fail(block, "was written to after it was freed");
            SlabUnit* span = _allocator.SpanOf(block);
            Debug.Assert(span->BinIndex == (uint)Index, "A block comes back to its class.");
            ((FreeBlock*)block)->Next = span->FreeHead;
            span->FreeHead = block;
            span->FreeCount++;
            _centralFree++;
            Debug.Assert(span->FreeCount <= span->CarvedCount, "Only what was carved is free.");
            if (span->IsListed == 0) List_NeedsLock(span);

            // The last span with blocks to give stays, so that who comes back for one does not make it again.
            bool isOnly = _listed == span && span->Next == null;
            bool isEmpty = span->FreeCount == span->CarvedCount;
            if (isEmpty && !isOnly && !Keeps_NeedsLock(span)) Release_NeedsLock(span);
        }
    }

    private bool IsBlockOf(SlabUnit* span, byte* block)
    {
        nuint at = (nuint)((nint)block - span->SpanStart);
        return at < span->CarvedBytes && at * Inverse < Inverse;
    }

    private void Release_NeedsLock(SlabUnit* span)
    {
        ForgetKept_NeedsLock(span);
        if (span->IsListed != 0) Unlist_NeedsLock(span);
        _spans--;
        _capacity -= span->Capacity;
        _carved -= span->CarvedCount;
        _centralFree -= span->FreeCount;
        _allocator.ReleaseSpan(span);
    }

    private void List_NeedsLock(SlabUnit* span)
    {
        Debug.Assert(span->IsListed == 0, "A span is listed once.");
        span->IsListed = 1;
        span->Previous = null;
        span->Next = _listed;
        if (_listed != null) _listed->Previous = span;
        _listed = span;
    }

    private void Unlist_NeedsLock(SlabUnit* span)
    {
        Debug.Assert(span->IsListed == 1, "Only what is listed is taken off the list.");
        span->IsListed = 0;
        if (span->Previous != null) span->Previous->Next = span->Next;
        if (span->Next != null) span->Next->Previous = span->Previous;
        if (_listed == span) _listed = span->Next;
        span->Next = span->Previous = null;
    }

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
