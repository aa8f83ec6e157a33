// The fast path of every allocator here: take a block from the bin of this thread and charge it, uncharge a block and
// put it into the bin. Everything unusual returns null or false, having changed nothing, and SlabAllocator does it.
//
// All that is written is written between the two stores that mark the reserve of the owner as busy (ReserveSlot): who
// takes the reserve back, because the group is removed or the thread is idle, finds the block either in the bin or in
// use. SlabOwners.cs says what relies on that.
//
// What is not here is not here for the sake of its instructions: they are what a pair costs.

using System.Runtime.CompilerServices;

namespace Allot;

internal static unsafe class SlabPath
{
    /// <summary>Takes a block whose recorded owner is the payer, and charges it.</summary>
    /// <param name="heap">This thread's.</param>
    /// <param name="bin">The bin of the class.</param>
    /// <param name="slot">Where this thread holds bytes of the payer in advance.</param>
    /// <param name="key">The key of the payer there.</param>
    /// <param name="tag">The tag of the payer as an owner.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* TryTake(ThreadHeap* heap, SlabBin* bin, ReserveSlot* slot, long key, ulong tag)
    {
        ulong* top = bin->Top - 1;
        nuint offset = (nuint)(*top ^ tag);   // of another owner: larger than any
        if (offset >= heap->CommittedBytes || !slot->TryBeginSpend(key, bin->BlockBytes)) return null;
        byte* block = (byte*)heap->Base + offset;
        FreeBlock.SetInUse(block);
        bin->Top = top;
        slot->End();
        return block;
    }

    /// <summary>The same for who has not looked up yet what belongs to the payer.</summary>
    /// <param name="heap">This thread's; null where it has none.</param>
    /// <param name="bytes">The size.</param>
    /// <param name="payer">Who pays.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* TryTake(ThreadHeap* heap, nuint bytes, MemoryCounter payer)
    {
        if (heap == null || bytes > SizeClasses.LargestBytes) return null;
        SlabBin* bin = bytes <= SizeClasses.TableBytes
            ? ThreadHeap.SmallBin(heap, bytes)
            : heap->Bins + SizeClasses.IndexByFormula(bytes);
        var slot = (ReserveSlot*)(heap->Slots + payer.SlotOffset);
        return TryTake(heap, bin, slot, payer.ReserveKey, payer.BlockTag);
    }

    /// <summary>Uncharges a block, whoever owns it, and puts it into the bin.</summary>
    /// <param name="heap">This thread's; null where it has none.</param>
    /// <param name="block">The block.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool TryGiveAny(ThreadHeap* heap, byte* block)
    {
        if (heap == null) return false;
        nuint offset = (nuint)((nint)block - heap->Base);
        if (offset >= heap->CommittedBytes) return false;
        SlabUnit* unit = ThreadHeap.UnitOf(heap, block);
        return IsInUse(unit, block) && TryGive(heap, unit, block, offset);
    }

    /// <summary>Takes a block that another owner, or none, had before, where that needs no lock.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static byte* TryTakeOther(ThreadHeap* heap, SlabBin* bin, ReserveSlot* slot, long key, int id)
    {
        ulong* top = bin->Top - 1;
        nuint offset = (nuint)(*top & Magazine.OffsetMask);
        if (*top == Magazine.Bottom || offset >= heap->CommittedBytes) return null;
        byte* block = (byte*)heap->Base + offset;
        SlabUnit* unit = ThreadHeap.UnitOf(heap, block);
        int owner = Volatile.Read(ref unit->Owner);
        if (owner != id && owner != SlabUnit.Mixed) return null;
        if (!slot->TryBeginSpend(key, bin->BlockBytes)) return null;
        if (owner == SlabUnit.Mixed) unit->Owners[ThreadHeap.IndexInUnit(unit, block)] = id;
        FreeBlock.SetInUse(block);
        bin->Top = top;
        slot->End();
        return block;
    }

    /// <summary>Brings the other magazine to hand where no block is at hand.</summary>
    public static bool TryTurnToTake(ThreadHeap* heap, SlabBin* bin, ReserveSlot* slot, long key) =>
        bin->Top[-1] == Magazine.Bottom && bin->HasFullSpare && TryTurn(heap, bin, slot, key);

    /// <summary>Uncharges a block, whoever owns it, and puts it into the bin, turning that where it has to.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool TryGive(ThreadHeap* heap, byte* block)
    {
        nuint offset = (nuint)((nint)block - heap->Base);
        if (offset >= heap->CommittedBytes) return false;
        SlabUnit* unit = ThreadHeap.UnitOf(heap, block);
        if (!IsInUse(unit, block)) return false;
        SlabBin* bin = ThreadHeap.BinOf(heap, unit);
        if (bin->Top == bin->End && bin->HasEmptySpare)
        {
            int owner = OwnerOf(unit, block);
            OwnerEntry* entry = ThreadHeap.ById(heap, owner);
            if (entry->Id != owner || !TryTurn(heap, bin, entry->Slot, entry->Key)) return false;
        }

        return TryGive(heap, unit, block, offset);
    }

    /// <summary>The same for a block of a cache, at a place in the bin.</summary>
    /// <param name="heap">This thread's.</param>
    /// <param name="block">The block.</param>
    /// <param name="binOffset">Of the class that it has to be of.</param>
    /// <param name="inverse">Of that class: see <see cref="SlabUnit"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryGive(ThreadHeap* heap, byte* block, uint binOffset, ulong inverse)
    {
        nuint offset = (nuint)((nint)block - heap->Base);
        if (offset >= heap->CommittedBytes || binOffset >= heap->BinBytes) return false;
        SlabUnit* unit = ThreadHeap.UnitOf(heap, block);
        return unit->BinOffset == binOffset && IsInUse(unit, block, inverse)
            && TryGive(heap, unit, block, offset);
    }

    /// <summary>Whether it is the start of a block of the unit, of no cache, and not free.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsInUse(SlabUnit* unit, byte* block) => IsInUse(unit, block, unit->Inverse);

    /// <summary>The owner that is recorded for a block in hand.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int OwnerOf(SlabUnit* unit, byte* block)
    {
        int owner = Volatile.Read(ref unit->Owner);
        return owner != SlabUnit.Mixed ? owner : unit->Owners[ThreadHeap.IndexInUnit(unit, block)];
    }

    /// <summary>Whether it is a certain one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsOwnedBy(SlabUnit* unit, byte* block, int id)
    {
        // Read twice, so that each is a comparison with memory. If it changes in between, the answer is no, and the
        // slow path looks again.
        return Volatile.Read(ref unit->Owner) == id
            || (Volatile.Read(ref unit->Owner) == SlabUnit.Mixed
                && unit->Owners[ThreadHeap.IndexInUnit(unit, block)] == id);
    }

    // In the middle of spending nothing.
    private static bool TryTurn(ThreadHeap* heap, SlabBin* bin, ReserveSlot* slot, long key)
    {
        if (!slot->TryBeginSpend(key, 0)) return false;
        bin->Turn(ThreadHeap.NoMagazine(heap));
        slot->End();
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsInUse(SlabUnit* unit, byte* block, ulong inverse)
    {
        nuint at = (nuint)((nint)block - unit->SpanStart);
        return at < unit->CarvedBytes && at * inverse < inverse && !FreeBlock.IsFree(block);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool TryGive(ThreadHeap* heap, SlabUnit* unit, byte* block, nuint offset)
    {
        int owner = OwnerOf(unit, block);
        OwnerEntry* entry = ThreadHeap.ById(heap, owner);
        SlabBin* bin = ThreadHeap.BinOf(heap, unit);
        ulong* top = bin->Top;
        if (entry->Id != owner || top == bin->End) return false;
        ReserveSlot* slot = entry->Slot;
        if (!slot->TryBeginKeep(entry->Key, bin->BlockBytes)) return false;
        *top = offset | ((ulong)(uint)owner << Magazine.OwnerShift);   // computed: the next call waits for this store
        bin->Top = top + 1;
        FreeBlock.SetFree(block);
        slot->End();
        return true;
    }
}
