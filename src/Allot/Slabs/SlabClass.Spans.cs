// The spans of a class. Those with blocks to give are in one of eight lists, by how many those are: who needs blocks
// gets them from the fullest, so that the emptiest have a chance to get empty.
//
// Free blocks of a span are linked by their second word. Blocks of 8 bytes have none: their span has a bit for each.

using System.Diagnostics;
using System.Numerics;

namespace Allot;

internal sealed unsafe partial class SlabClass
{
    private const int ListsLog2 = 3, BitsPerWord = 64;

    // Under the lock. SlabUnit.List is the number of the list that a span is in, from 1: the fullest first.
    private readonly nint[] _lists = new nint[1 << ListsLog2];
    private readonly int _listShift;
    private int _listed;

    /// <summary>Bytes of the bits that say which blocks of a span are free; 0 where these are linked.</summary>
    public nuint FreeMapBytes => BlockBytes < sizeof(FreeBlock)
        ? (nuint)((BlocksInSpan + BitsPerWord - 1) / BitsPerWord * sizeof(ulong))
        : 0;

    // From 1 to the number of lists; 0 for a span without blocks to give.
    private int ListFor(SlabUnit* span)
    {
        int given = span->Capacity - span->CarvedCount + span->FreeCount;
        return given == 0 ? 0 : ListFor(given);
    }

    private int ListFor(int given) => Math.Min((given - 1) >> _listShift, _lists.Length - 1) + 1;

    // Up to a batch, those of the fullest span above, and of lower addresses, so that they are taken first.
    private int Fill_NeedsLock(ulong* entries)
    {
        int count = 0;
        while (count < Batch)
        {
            SlabUnit* span = Fullest_NeedsLock();
            if (span == null)
            {
                span = _allocator.TryMakeSpan(this);
                if (span == null) break;
                _spans++;
                _capacity += BlocksInSpan;
            }

            count += TakeFromSpan_NeedsLock(span, entries + count, Batch - count);
            Relist_NeedsLock(span);
        }

        new Span<ulong>(entries, count).Reverse();
        return count;
    }

    private SlabUnit* Fullest_NeedsLock()
    {
        foreach (nint first in _lists)
        {
            if (first != 0) return (SlabUnit*)first;
        }

        return null;
    }

    private int TakeFromSpan_NeedsLock(SlabUnit* span, ulong* entries, int wanted)
    {
        ForgetKept_NeedsLock(span);
        int freed = Math.Min(wanted, span->FreeCount);
        bool isIntact = span->FreeMap == null
            ? TryTakeLinked(span, entries, freed)
            : TryTakeMapped(span, entries, freed);
        if (!isIntact) return 0;
        span->FreeCount -= freed;
        _centralFree -= freed;
        int fresh = Math.Min(wanted - freed, span->Capacity - span->CarvedCount);
        if (fresh > 0) Carve_NeedsLock(span, entries + freed, fresh);
        return freed + fresh;
    }

    private bool TryTakeLinked(SlabUnit* span, ulong* entries, int count)
    {
        for (int i = 0; i < count; i++)
        {
            byte* block = span->FreeHead;
            if (!IsBlockOf(span, block) || !FreeBlock.IsFree(block)) return FailWritten(block);
            span->FreeHead = ((FreeBlock*)block)->Next;
            entries[i] = _allocator.EntryOf(block);
        }

        return true;
    }

    private bool TryTakeMapped(SlabUnit* span, ulong* entries, int count)
    {
        for (int word = 0, taken = 0; taken < count; word++)
        {
            Debug.Assert(word < (int)FreeMapBytes / sizeof(ulong), "There are as many bits as free blocks.");
            for (; span->FreeMap[word] != 0 && taken < count; span->FreeMap[word] &= span->FreeMap[word] - 1)
            {
                int index = (word * BitsPerWord) + BitOperations.TrailingZeroCount(span->FreeMap[word]);
                byte* block = (byte*)span->SpanStart + ((nint)index * BlockBytes);
                if (!FreeBlock.IsFree(block)) return FailWritten(block);
                entries[taken++] = _allocator.EntryOf(block);
            }
        }

        return true;
    }

    private bool FailWritten(byte* block)
    {
        _allocator.Fail(block, "was written to after it was freed, or the one before it in its slab");
        return false;
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
            entries[i] = _allocator.EntryOf(block);
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
            Put(span, block);
            span->FreeCount++;
            _centralFree++;
            Debug.Assert(span->FreeCount <= span->CarvedCount, "Only what was carved is free.");
            Relist_NeedsLock(span);

            // The last span with blocks to give stays, so that who comes back for one does not make it again.
            bool isOnly = _listed == 1;
            bool isEmpty = span->FreeCount == span->CarvedCount;
            if (isEmpty && (_hasEnded || (!isOnly && !Keeps_NeedsLock(span)))) Release_NeedsLock(span);
        }
    }

    private void Put(SlabUnit* span, byte* block)
    {
        if (span->FreeMap != null)
        {
            int index = (int)((block - (byte*)span->SpanStart) / BlockBytes);
            span->FreeMap[index / BitsPerWord] |= 1UL << (index % BitsPerWord);
            return;
        }

        ((FreeBlock*)block)->Next = span->FreeHead;
        span->FreeHead = block;
    }

    private bool IsBlockOf(SlabUnit* span, byte* block)
    {
        nuint at = (nuint)((nint)block - span->SpanStart);
        return at < span->CarvedBytes && at * Inverse < Inverse;
    }

    private void Release_NeedsLock(SlabUnit* span)
    {
        ForgetKept_NeedsLock(span);
        if (span->List != 0) Unlist_NeedsLock(span);
        _spans--;
        _capacity -= span->Capacity;
        _carved -= span->CarvedCount;
        _centralFree -= span->FreeCount;
        _allocator.ReleaseSpan(span);
    }

    private void Relist_NeedsLock(SlabUnit* span)
    {
        int list = ListFor(span);
        if (list == span->List) return;
        if (span->List != 0) Unlist_NeedsLock(span);
        if (list != 0) List_NeedsLock(span, list);
    }

    private void List_NeedsLock(SlabUnit* span, int list)
    {
        Debug.Assert(span->List == 0, "A span is listed once.");
        var next = (SlabUnit*)_lists[list - 1];
        span->List = list;
        span->Previous = null;
        span->Next = next;
        if (next != null) next->Previous = span;
        _lists[list - 1] = (nint)span;
        _listed++;
    }

    private void Unlist_NeedsLock(SlabUnit* span)
    {
        Debug.Assert(span->List != 0, "Only what is listed is taken off its list.");
        if (span->Previous != null) span->Previous->Next = span->Next;
        else _lists[span->List - 1] = (nint)span->Next;
        if (span->Next != null) span->Next->Previous = span->Previous;
        span->Next = span->Previous = null;
        span->List = 0;
        _listed--;
    }
}
