// Blocks move in and out of bins in three ways:
//   - by the fast path of the owner, in the middle of spending from one of its reserves (SlabPath);
//   - by all else that the owner does, under the lock of the heap;
//   - by somebody who empties the bins of an idle thread, or of one that has ended, under the lock of the heap too.
// The third takes back all that the thread holds in advance first. So the first cannot go on, or begin: it begins again
// with a charge by the slow path, which looks at the bin anew. Nobody needs the help of the thread: it may be asleep.
//
// Lock order: _heapsLock, the lock of a heap, then the reserves of its thread, or the lock of a class.

using System.Diagnostics;

namespace Allot;

internal sealed unsafe partial class SlabAllocator
{
    /// <summary>What threads keep of a class goes back to its spans, whoever they are.</summary>
    public void Empty(uint index)
    {
        if (Checker is not null) LetGo(HeapOfThread(), all: true);
        using (_heapsLock.EnterScope())
        {
            foreach (HeapOwner one in _heaps) Empty_NeedsHeapsLock(one, index, index + 1, owners: null);
        }
    }

    private void EmptyHeaps(bool all)
    {
        if (all && Checker is not null) LetGo(HeapOfThread(), all: true);
        using (_heapsLock.EnterScope())
        {
            foreach (HeapOwner one in _heaps)
            {
                ulong now = Fingerprint(one.Heap);
                bool rests = one.Seen == now || one.IsDead;
                one.Seen = now;
                if (all || rests) Empty_NeedsHeapsLock(one, 0, one.Heap->BinCount, owners: null);
            }
        }
    }

    // Some bins of a heap; with owners, only those that have a free block of one of them.
    private void Empty_NeedsHeapsLock(HeapOwner one, uint from, uint to, HashSet<int>? owners)
    {
        to = Math.Min(to, one.Heap->BinCount);
        if (HasNoMagazines(one.Heap, from, to)) return;
        var taken = new Taken[to - from];
        ThreadHeap.EnterLock(one.Heap);
        if (!Choose_NeedsLock(one.Heap, from, taken, owners))
        {
            ThreadHeap.ExitLock(one.Heap);
            return;
        }

        if (one.Thread == Thread.CurrentThread || one.IsDead)
        {
            TakeMagazines_NeedsLock(one.Heap, from, taken);
        }
        else
        {
            ThreadHeap.CloseUnlimited_NeedsLock(one.Heap);
            _ = ReserveRegistry.TryTakeAll(one.Thread, () =>
            {
                ThreadHeap.AwaitUnlimited_NeedsLock(one.Heap);   // closed before the barrier in between
                TakeMagazines_NeedsLock(one.Heap, from, taken);
            });
        }

        ThreadHeap.ExitLock(one.Heap);

        for (uint i = from; i < to; i++)
        {
            Taken magazines = taken[i - from];
            SlabClass of = ClassOf(i);
            if (magazines.AtHand != 0) of.BringToSpans((ulong*)magazines.AtHand, (ulong*)magazines.Top);
            var spare = (ulong*)magazines.Spare;
            if (spare != null) of.BringToSpans(spare, spare + 1 + (magazines.SpareIsFull ? of.Batch : 0));
        }
    }

    private static bool HasNoMagazines(ThreadHeap* heap, uint from, uint to)
    {
        ulong* none = ThreadHeap.NoMagazine(heap);
        bool hasNone = true;
        for (uint i = from; i < to; i++) hasNone &= heap->Bins[i].End == none && !heap->Bins[i].HasSpare;
        return hasNone;
    }

    private bool Choose_NeedsLock(ThreadHeap* heap, uint from, Taken[] taken, HashSet<int>? owners)
    {
        bool any = false;
        for (int i = 0; i < taken.Length; i++)
        {
            bool isChosen = owners is null || HasBlockOf(owners, heap->Bins + from + i, ThreadHeap.NoMagazine(heap));
            taken[i] = new Taken { IsChosen = isChosen };
            any |= isChosen;
        }

        return any;
    }

    private static void TakeMagazines_NeedsLock(ThreadHeap* heap, uint from, Taken[] taken)
    {
        for (int i = 0; i < taken.Length; i++)
        {
            if (!taken[i].IsChosen) continue;
            SlabBin* bin = heap->Bins + from + i;
            nint top = (nint)bin->Top, atHand = (nint)bin->Unload(ThreadHeap.NoMagazine(heap));
            nint spare = (nint)bin->UnloadSpare(out bool isFull);
            taken[i] = new Taken(atHand, top, spare, isFull, IsChosen: true);
        }
    }

    // Two that are alike may belong to a thread that was busy and came back to where it was: then it fetches anew.
    private static ulong Fingerprint(ThreadHeap* heap)
    {
        ulong mixed = 1;
        for (uint i = 0; i < heap->BinCount; i++)
        {
            mixed = (mixed * 0x9E37_79B9_7F4A_7C15) + (ulong)heap->Bins[i].Top;
        }

        return mixed;
    }

    // A block for what is charged already.
    private byte* TakeCharged(ThreadHeap* heap, SlabClass of, in SlabPayer payer, out Record record)
    {
        byte* block = TryTakeCharged(heap, of, payer, out record);
        if (record != Record.NoMemory) return block;

        // What others keep, and what is idle here, comes before a refusal.
        Trim(all: true);
        return TryTakeCharged(heap, of, payer, out record);
    }

    private byte* TryTakeCharged(ThreadHeap* heap, SlabClass of, in SlabPayer payer, out Record record)
    {
        record = of.IsClosed ? Record.ClassClosed : Record.NoMemory;
        uint index = (uint)of.Index;
        if (index >= heap->BinCount || payer.Id == 0) return null;
        ThreadHeap.EnterLock(heap);
        try
        {
            if (ClassOf(index) != of)
            {
                record = Record.ClassClosed;   // it ended while the charge was made: the bin is another's by now
                return null;
            }

            SlabBin* bin = heap->Bins + index;
            if (bin->Top[-1] == Magazine.Bottom && !TryTakeSpare_NeedsLock(heap, bin))
            {
                bool isFetched = of.TryFetch(bin, ThreadHeap.NoMagazine(heap));
                NoteActivity();
                if (!isFetched)
                {
                    if (of.IsClosed) record = Record.ClassClosed;
                    return null;
                }
            }

            byte* block = BlockOf(bin->Top[-1]);
            if (!FreeBlock.IsFree(block)) Fail(block, "was written to after the free, or freed by two threads at once");
            FreeBlock.SetInUse(block);
            record = RecordOwner(heap, ThreadHeap.UnitOf(heap, block), block, payer);
            if (record != Record.Done)
            {
                FreeBlock.SetFree(block);
                return null;
            }

            bin->Top--;
            return block;
        }
        finally
        {
            ThreadHeap.ExitLock(heap);
        }
    }

    private void PutIntoBin(ThreadHeap* heap, uint index, byte* block)
    {
        if (!TryPutIntoBin(heap, index, block)) PutIntoSpan(index, block);
    }

    private void PutIntoSpan(uint index, byte* block)
    {
        ulong entry = EntryOf(block);
        SlabClass of = ClassOf(index);
        bool wasLast = of.BringToSpans(&entry, 1);
        if (wasLast && of.HasEnded) of.Cache!.TryForget(of);
        NoteActivity();
    }

    private bool TryPutIntoBin(ThreadHeap* heap, uint index, byte* block)
    {
        Debug.Assert(FreeBlock.IsFree(block), "What is put into a bin is free.");
        SlabClass of = ClassOf(index);
        ulong entry = EntryOf(block);
        if (of.HasEnded || (index >= heap->BinCount && !TryGrowBins(heap))) return false;
        ThreadHeap.EnterLock(heap);
        try
        {
            if (of.HasEnded || !TryMakePlace_NeedsLock(heap, heap->Bins + index, of)) return false;
            *heap->Bins[index].Top++ = entry;
            return true;
        }
        finally
        {
            ThreadHeap.ExitLock(heap);
        }
    }

    // A place for one more block at hand. Where nobody keeps anything, as when the timer has stopped, there is none.
    private bool TryMakePlace_NeedsLock(ThreadHeap* heap, SlabBin* bin, SlabClass of)
    {
        Debug.Assert(heap->Lock == 1, "Magazines change places under the lock of the heap.");
        if (bin->Top < bin->End) return true;
        ulong* empty = bin->UnloadSpare(out bool isFull);
        if (empty == null) empty = of.TryTakeEmpty();
        else if (isFull) empty = of.Exchange(empty);
        if (empty == null) return false;
        ulong* full = bin->Unload(ThreadHeap.NoMagazine(heap));
        if (full != null) bin->LoadSpare(full, isFull: true);
        bin->Load(empty, 0);
        NoteActivity();
        return true;
    }

    // Where no block is at hand: a full magazine comes to hand, and the empty one is kept.
    private static bool TryTakeSpare(ThreadHeap* heap, SlabBin* bin)
    {
        if (bin->Top[-1] != Magazine.Bottom || !bin->HasFullSpare) return false;
        ThreadHeap.EnterLock(heap);
        bool isTaken = bin->Top[-1] == Magazine.Bottom && TryTakeSpare_NeedsLock(heap, bin);
        ThreadHeap.ExitLock(heap);
        return isTaken;
    }

    private static bool TryTakeSpare_NeedsLock(ThreadHeap* heap, SlabBin* bin)
    {
        Debug.Assert(heap->Lock == 1, "Magazines change places under the lock of the heap.");
        if (!bin->HasFullSpare) return false;
        ulong* full = bin->UnloadSpare(out _);
        ulong* empty = bin->Unload(ThreadHeap.NoMagazine(heap));
        if (empty != null) bin->LoadSpare(empty, isFull: false);
        bin->Load(full, bin->Batch);
        return true;
    }

    private readonly record struct Taken(nint AtHand, nint Top, nint Spare, bool SpareIsFull, bool IsChosen);
}
