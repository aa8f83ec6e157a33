// The batches of a class: magazines that pass between threads. Full ones lie in the rack, and where that has no place,
// in an array under the lock; so do empty ones. The lock path is that of who comes when the rack has not what it needs:
// because one side is ahead of the other, or because nothing lies there yet.

using System.Diagnostics;

namespace Allot;

internal sealed unsafe partial class SlabClass
{
    private readonly MagazineRack _rack = new();

    // Under the lock: the batches for which the rack has no place, and how many places may be used.
    private nint[] _batches;
    private nint[] _empties;
    private int _places;

    // Under the lock: 0 <= _batchCount <= _batches.Length; _lowest is the fewest since Trim last looked.
    private int _batchCount;
    private int _lowest;
    private int _emptyCount;

    /// <summary>Fills a bin with up to a batch of blocks.</summary>
    /// <param name="bin">It has no block, and no full magazine.</param>
    /// <param name="none">Where it has its top without a magazine.</param>
    /// <returns>False when the system has no memory, or the class is closed.</returns>
    public bool TryFetch(SlabBin* bin, ulong* none)
    {
        Debug.Assert(bin->Blocks(none) == 0, "Only an empty bin is filled.");
        ulong* empty = bin->Unload(none), full = _rack.TryTake(empty);
        if (full == null) return TryFetchOther(bin, empty);
        bin->Load(full, Batch);
        return true;
    }

    /// <summary>Brings a full magazine in exchange for an empty one.</summary>
    public ulong* Exchange(ulong* full)
    {
        ulong* empty = _rack.TryBring(full);
        return empty != null ? empty : ExchangeOther(full);
    }

    /// <summary>An empty magazine.</summary>
    /// <returns>Null when the system has no memory.</returns>
    public ulong* TryTakeEmpty()
    {
        using (_lock.EnterScope()) return TryTakeEmpty_NeedsLock();
    }

    /// <summary>Brings the batches with a block of one of these owners back to their spans, and what then is empty to
    /// the arena. A batch at a time, so that nobody waits for long.</summary>
    public void GiveBack(HashSet<int> owners)
    {
        int left = int.MaxValue;
        while (left > 0)
        {
            using (_lock.EnterScope()) left = GiveBackLast_NeedsLock(owners, left);
        }

        for (int i = 0; i < MagazineRack.Places; i++)
        {
            using (_lock.EnterScope()) GiveBackPlace_NeedsLock(owners, i);
        }

        using (_lock.EnterScope()) ReleaseEmpty_NeedsLock(_emptySpansMost);
    }

    // What the rack did not have comes from the other batches, or from spans.
    private bool TryFetchOther(SlabBin* bin, ulong* magazine)
    {
        using (_lock.EnterScope())
        {
            AssertInvariants_NeedsLock();
            if (!_isClosed && _batchCount == 0)
            {
                if (magazine == null) magazine = TryTakeEmpty_NeedsLock();
                if (magazine == null) return false;
                int count = Fill_NeedsLock(magazine + 1);
                bin->Load(magazine, count);
                return count > 0;
            }

            if (magazine != null) KeepEmpty_NeedsLock(magazine);
            if (_isClosed) return false;
            bin->Load((ulong*)_batches[--_batchCount], Batch);
            _lowest = Math.Min(_lowest, _batchCount);
            return true;
        }
    }

    // What the rack did not take is kept, where there is room, or goes to the spans. Where nothing lay in it, it takes
    // it here, and from then on has something to exchange.
    private ulong* ExchangeOther(ulong* full)
    {
        using (_lock.EnterScope())
        {
            AssertInvariants_NeedsLock();
            bool hasPlace = _rack.HasRoom_NeedsLock(_places);
            ulong* empty = hasPlace || _batchCount < _batches.Length ? TryTakeEmpty_NeedsLock() : null;
            if (empty == null)
            {
                BringToSpans_NeedsLock(full + 1, Batch);
                return full;
            }

            if (hasPlace) _rack.Put_NeedsLock(full, _places);
            else _batches[_batchCount++] = (nint)full;
            return empty;
        }
    }

    // Of the first batches; returns how many of them it has not looked at.
    private int GiveBackLast_NeedsLock(HashSet<int> owners, int of)
    {
        AssertInvariants_NeedsLock();
        int at = Math.Min(of, _batchCount) - 1;
        while (at >= 0 && !_allocator.HasBlockOf(owners, (ulong*)_batches[at] + 1, Batch)) at--;
        if (at < 0) return 0;
        var magazine = (ulong*)_batches[at];
        Array.Copy(_batches, at + 1, _batches, at, --_batchCount - at);
        _lowest = Math.Min(_lowest, _batchCount);
        BringToSpans_NeedsLock(magazine + 1, Batch);
        KeepEmpty_NeedsLock(magazine);
        return at;
    }

    private void GiveBackPlace_NeedsLock(HashSet<int> owners, int place)
    {
        AssertInvariants_NeedsLock();
        nint word = _rack.Read(place);
        ulong* magazine = MagazineRack.MagazineOf(word);
        bool isChosen = MagazineRack.IsFull(word) && _allocator.HasBlockOf(owners, magazine + 1, Batch);
        if (isChosen && _rack.TryRemove_NeedsLock(place, word)) BringBack_NeedsLock(word);
    }

    private void TrimBatches_NeedsLock(bool all)
    {
        int idle = all ? _batchCount : _lowest;
        for (int i = 0; i < idle; i++) EndBatch_NeedsLock(_batches[i]);
        Array.Copy(_batches, idle, _batches, 0, _batchCount - idle);
        _batchCount -= idle;
        _lowest = _batchCount;
        for (int i = 0; i < MagazineRack.Places; i++)
        {
            BringBack_NeedsLock(all ? _rack.Remove_NeedsLock(i) : _rack.RemoveIdle_NeedsLock(i));
        }

        while (_emptyCount > 0) _allocator.FreeMagazine((ulong*)_empties[--_emptyCount], Batch);
    }

    // The blocks go to their spans, and the magazine to the bookkeeping. Who calls takes it off the batches.
    private void EndBatch_NeedsLock(nint batch)
    {
        var magazine = (ulong*)batch;
        BringToSpans_NeedsLock(magazine + 1, Batch);
        _allocator.FreeMagazine(magazine, Batch);
    }

    private void ClearRack_NeedsLock(int from = 0)
    {
        for (int i = from; i < MagazineRack.Places; i++) BringBack_NeedsLock(_rack.Remove_NeedsLock(i));
    }

    // What lay in a place of the rack.
    private void BringBack_NeedsLock(nint word)
    {
        ulong* magazine = MagazineRack.MagazineOf(word);
        if (magazine == null) return;
        if (MagazineRack.IsFull(word)) BringToSpans_NeedsLock(magazine + 1, Batch);
        KeepEmpty_NeedsLock(magazine);
    }

    private ulong* TryTakeEmpty_NeedsLock() =>
        _emptyCount > 0 ? (ulong*)_empties[--_emptyCount] : _allocator.TryMakeMagazine(Batch);

    private void KeepEmpty_NeedsLock(ulong* magazine)
    {
        if (_emptyCount < _empties.Length && !_isClosed) _empties[_emptyCount++] = (nint)magazine;
        else _allocator.FreeMagazine(magazine, Batch);
    }

    private long CountFree_NeedsLock() => _centralFree + ((long)(_batchCount + _rack.CountFull()) * Batch);
}
