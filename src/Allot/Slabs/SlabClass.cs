// The centre of one class of blocks: what threads fetch batches from, and bring them to.
//
// Two stores, both under the lock of the class. *Batches* are full lists as a bin has them, passed on without a look at
// the blocks. *Spans* are runs of units; blocks that come back to their span show when it is empty, and then its units
// go back to the arena. A span that still has blocks to give is listed.
//
// Lock order: the lock of a class, then SlabAllocator.SpansLock, then those of MetadataBlocks and PageArena. No foreign
// code runs under any.

using System.Diagnostics;

namespace Allot;

internal sealed unsafe class SlabClass
{
    private const int BatchBytes = 64 << 10, BatchMost = 128, BatchFewest = 4, BatchFewestLarge = 2;
    private const int BatchesBytes = 1 << 20, BatchesFewest = 4, BatchesMost = 64;
    private const int BlocksPerSpan = 8, BlocksPerLargeSpan = 4;

    private readonly SteadyLock _lock = new();
    private readonly SlabAllocator _allocator;
    private readonly ulong _inverse;
    private readonly ulong _indexInverse;
    private readonly nint[] _batches;

    // Under the lock: 0 <= _batchCount <= _batches.Length; _lowest is the fewest since Trim last looked.
    private int _batchCount;
    private int _lowest;

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
        _inverse = (ulong.MaxValue / (uint)blockBytes) + 1;
        _indexInverse = ((1UL << 32) + (uint)(blockBytes >> 4) - 1) / (uint)(blockBytes >> 4);
        Index = index;
        Cache = cache;
        BlockBytes = blockBytes;
        bool isLarge = blockBytes > PageArena.UnitBytes;
        Batch = Math.Clamp(BatchBytes / blockBytes, isLarge ? BatchFewestLarge : BatchFewest, BatchMost);
        _batches = new nint[Math.Clamp(BatchesBytes / (Batch * blockBytes), BatchesFewest, BatchesMost)];
        int blocks = isLarge ? BlocksPerLargeSpan : BlocksPerSpan;
        long spanBytes = Math.Max(PageArena.UnitBytes, (long)blocks * blockBytes);
        UnitsPerSpan = (int)((spanBytes + PageArena.UnitBytes - 1) >> PageArena.UnitShift);
        BlocksInSpan = (UnitsPerSpan << PageArena.UnitShift) / blockBytes;
    }

    public int Index { get; }

    public int BlockBytes { get; }

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

    /// <summary>Fetches up to a batch of blocks.</summary>
    /// <returns>How many, linked from the head; 0 when the system has no memory.</returns>
    public int TryFetch(out byte* head)
    {
        using (_lock.EnterScope())
        {
            AssertInvariants_NeedsLock();
            if (_batchCount > 0)
            {
                head = (byte*)_batches[--_batchCount];
                _lowest = Math.Min(_lowest, _batchCount);
                return Batch;
            }

            head = null;
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

                count += TakeFromSpan_NeedsLock(span, Batch - count, ref head);
                if (span->FreeCount == 0 && span->CarvedCount == span->Capacity) Unlist_NeedsLock(span);
            }

            return count;
        }
    }

    /// <summary>Brings a full batch back.</summary>
    public void Bring(byte* head)
    {
        using (_lock.EnterScope())
        {
            AssertInvariants_NeedsLock();
            if (_batchCount < _batches.Length)
            {
                _batches[_batchCount++] = (nint)head;
                return;
            }

            BringToSpans_NeedsLock(head);
        }
    }

    /// <summary>Brings any number of blocks back to their spans.</summary>
    public void BringToSpans(byte* head)
    {
        using (_lock.EnterScope()) BringToSpans_NeedsLock(head);
    }

    /// <summary>Gives empty spans back to the arena.</summary>
    /// <param name="all">False: only batches that nobody has needed since the last call are looked at.</param>
    public void Trim(bool all)
    {
        using (_lock.EnterScope())
        {
            AssertInvariants_NeedsLock();
            int idle = all ? _batchCount : _lowest;
            for (int i = 0; i < idle; i++) BringToSpans_NeedsLock((byte*)_batches[i]);
            Array.Copy(_batches, idle, _batches, 0, _batchCount - idle);
            _batchCount -= idle;
            _lowest = _batchCount;
            for (SlabUnit* span = _listed, next; span != null; span = next)
            {
                next = span->Next;
                if (span->FreeCount == span->CarvedCount) Release_NeedsLock(span);
            }
        }
    }

    private int TakeFromSpan_NeedsLock(SlabUnit* span, int wanted, ref byte* head)
    {
        int fromList = Math.Min(wanted, span->FreeCount);
        for (int i = 0; i < fromList; i++)
        {
            byte* block = span->FreeHead;
            if (!BlockLink.IsFree(block)) _allocator.Fail(block, "was written to after it was freed");
            span->FreeHead = ((BlockLink*)block)->Next;
            BlockLink.Push(block, head);
            head = block;
        }

        span->FreeCount -= fromList;
        _centralFree -= fromList;
        int fresh = Math.Min(wanted - fromList, span->Capacity - span->CarvedCount);
        if (fresh > 0) Carve_NeedsLock(span, fresh, ref head);
        return fromList + fresh;
    }

    // Blocks that nobody has had yet: the one with the lowest address is the first of the list.
    private void Carve_NeedsLock(SlabUnit* span, int count, ref byte* head)
    {
        byte* first = (byte*)span->SpanStart + ((nint)span->CarvedCount * BlockBytes);
        for (int i = count - 1; i >= 0; i--)
        {
            byte* block = first + ((nint)i * BlockBytes);
            if (Cache is { ConstructedAt: >= 0 }) *(long*)(block + Cache.ConstructedAt) = 0;
            BlockLink.Push(block, head);
            head = block;
        }

        span->CarvedCount += count;
        _carved += count;
        uint carvedBytes = (uint)(span->CarvedCount * BlockBytes);
        for (int i = 0; i < span->Units; i++) Volatile.Write(ref span[i].CarvedBytes, carvedBytes);
    }

    private void BringToSpans_NeedsLock(byte* head)
    {
        for (byte* block = head, next; block != null; block = next)
        {
            if (!BlockLink.IsFree(block)) _allocator.Fail(block, "was written to after it was freed");
            next = ((BlockLink*)block)->Next;
            SlabUnit* span = _allocator.SpanOf(block);
            Debug.Assert(span->BinIndex == (uint)Index, "A block comes back to its class.");
            BlockLink.Push(block, span->FreeHead);
            span->FreeHead = block;
            span->FreeCount++;
            _centralFree++;
            Debug.Assert(span->FreeCount <= span->CarvedCount, "Only what was carved is free.");
            if (span->IsListed == 0) List_NeedsLock(span);

            // The last span with blocks to give stays, so that who comes back for one does not make it again.
            bool isOnly = _listed == span && span->Next == null;
            if (span->FreeCount == span->CarvedCount && !isOnly) Release_NeedsLock(span);
        }
    }

    private void Release_NeedsLock(SlabUnit* span)
    {
        Debug.Assert(span->FreeCount == span->CarvedCount, "Only an empty span is released.");
        Unlist_NeedsLock(span);
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
                Inverse = _inverse,
                BlockBytes = BlockBytes,
                FirstIndex = from,
                BlockCount = Math.Min(to, BlocksInSpan) - Math.Min(from, BlocksInSpan),
                BinOffset = (uint)Index << SlabBin.SizeLog2,
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
