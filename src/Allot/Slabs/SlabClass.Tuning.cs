namespace Allot;

internal sealed unsafe partial class SlabClass
{
    /// <summary>Changes what the class keeps. What is too much now is given back.</summary>
    public void Tune(ObjectCacheTunables tunables)
    {
        using (_lock.EnterScope())
        {
            AssertInvariants_NeedsLock();
            int kept = tunables.BatchesKept ?? BatchesByDefault(Batch * BlockBytes);
            _places = Math.Min(kept, MagazineRack.Places);
            ClearRack_NeedsLock(from: _places);
            int batches = kept - _places;
            while (_batchCount > batches) EndBatch_NeedsLock(_batches[--_batchCount]);
            while (_emptyCount > kept) _allocator.FreeMagazine((ulong*)_empties[--_emptyCount], Batch);
            _lowest = Math.Min(_lowest, _batchCount);
            Array.Resize(ref _batches, batches);
            Array.Resize(ref _empties, kept);
            _emptySpansMost = tunables.EmptySlabsKept;
            ReleaseEmpty_NeedsLock(_emptySpansMost);
        }
    }

    /// <summary>The most batches and empty spans that it keeps.</summary>
    public (int Batches, int EmptySpans) Tuning
    {
        get
        {
            using (_lock.EnterScope()) return (_places + _batches.Length, _emptySpansMost);
        }
    }

    // Empty spans, down to a number of those that are kept on purpose.
    private void ReleaseEmpty_NeedsLock(int kept)
    {
        // An empty span has all its blocks to give.
        for (SlabUnit* span = (SlabUnit*)_lists[ListFor(BlocksInSpan) - 1], next; span != null; span = next)
        {
            next = span->Next;
            if (span->FreeCount != span->CarvedCount || (span->IsKept != 0 && _emptySpans <= kept)) continue;
            Release_NeedsLock(span);
        }
    }

    // Whether an empty span stays on purpose.
    private bool Keeps_NeedsLock(SlabUnit* span)
    {
        if (_emptySpans >= _emptySpansMost) return false;
        span->IsKept = 1;
        _emptySpans++;
        return true;
    }

    private void ForgetKept_NeedsLock(SlabUnit* span)
    {
        if (span->IsKept == 0) return;
        span->IsKept = 0;
        _emptySpans--;
    }

    private static int BatchesByDefault(int batchBytes) =>
        Math.Clamp(BatchesBytes / batchBytes, BatchesFewest, BatchesMost);
}
