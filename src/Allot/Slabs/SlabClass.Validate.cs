namespace Allot;

internal sealed unsafe partial class SlabClass
{
    /// <summary>Walks what the class has and checks what SlabUnit and this class say of themselves.</summary>
    /// <param name="free">Gets every free block that lies here; none twice.</param>
    /// <exception cref="InvalidOperationException">It does not hold.</exception>
    public void Validate(HashSet<nint> free)
    {
        using (_lock.EnterScope())
        {
            AssertInvariants_NeedsLock();
            int spans = 0, kept = 0;
            long capacity = 0, carved = 0, central = 0;
            foreach (nint head in _allocator.SpansOf(this))
            {
                var span = (SlabUnit*)head;
                Check(span->FreeCount >= 0 && span->FreeCount <= span->CarvedCount, "what is free was carved");
                Check(span->CarvedCount <= span->Capacity, "no more is carved than there is");
                Check(span->CarvedBytes == (nuint)(span->CarvedCount * BlockBytes), "a span knows what is carved");
                Check(span->List == ListFor(span), "a span is listed by the blocks that it has to give");
                Check(span->IsKept == 0 || span->FreeCount == span->CarvedCount, "only an empty span is kept");
                int counted = NoteMapped(span, free);
                for (byte* block = span->FreeHead; block != null && counted <= span->FreeCount; counted++)
                {
                    Check(IsBlockOf(span, block), "a free block lies in its span");
                    Note(block, free);
                    block = ((FreeBlock*)block)->Next;
                }

                Check(counted == span->FreeCount, "a span counts its free blocks");
                spans++;
                kept += span->IsKept;
                capacity += span->Capacity;
                carved += span->CarvedCount;
                central += span->FreeCount;
            }

            Check(spans == _spans && capacity == _capacity && carved == _carved, "spans add up");
            Check(central == _centralFree, "free blocks of spans add up");
            Check(kept == _emptySpans, "kept spans add up");
            for (int i = 0; i < _batchCount; i++) Note((ulong*)_batches[i] + 1, Batch, free);
            for (int i = 0; i < MagazineRack.Places; i++) NoteRacked(i, free);
        }
    }

    private int NoteMapped(SlabUnit* span, HashSet<nint> free)
    {
        int counted = 0;
        for (int i = 0; span->FreeMap != null && i < span->Capacity; i++)
        {
            if ((span->FreeMap[i / BitsPerWord] >> (i % BitsPerWord) & 1) == 0) continue;
            Note((byte*)span->SpanStart + ((nint)i * BlockBytes), free);
            counted++;
        }

        return counted;
    }

    private void NoteRacked(int place, HashSet<nint> free)
    {
        nint word = _rack.Read(place);
        ulong* magazine = MagazineRack.MagazineOf(word);
        Check(place < _places || magazine == null, "a place that may not be used is empty");
        if (magazine != null) Note(magazine + 1, MagazineRack.IsFull(word) ? Batch : 0, free);
    }

    /// <summary>Checks blocks of a magazine.</summary>
    public void Note(ulong* entries, int count, HashSet<nint> free)
    {
        Check(entries[-1] == Magazine.Bottom, "a magazine begins with its bottom");
        for (int i = 0; i < count; i++)
        {
            byte* block = _allocator.BlockOf(entries[i]);
            Check(_allocator.SpanOf(block)->BinIndex == (uint)Index, "a block lies in a magazine of its class");
            Check(IsBlockOf(_allocator.SpanOf(block), block), "an entry is a block");
            bool isOwned = entries[i] >> Magazine.OwnerShift != Magazine.Unowned >> Magazine.OwnerShift;
            Check(!isOwned || entries[i] == _allocator.EntryOf(block), "an entry has the owner that is recorded");
            Note(block, free);
        }
    }

    private static void Note(byte* block, HashSet<nint> free)
    {
        Check(FreeBlock.IsFree(block), "a free block has its mark");
        Check(free.Add((nint)block), "a free block lies in one place");
    }

    private static void Check(bool holds, string truth)
    {
        if (!holds) throw new InvalidOperationException($"In a class of blocks, {truth}.");
    }
}
