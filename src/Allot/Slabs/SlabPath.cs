// The fast path of every allocator here: take a block from the bin of this thread and charge it, uncharge a block and
// put it into the bin. Everything unusual returns null or false, having changed nothing, and SlabAllocator does it.
// SlabOwners.cs says why the order of the steps is what it is.
//
// What is not here is not here for the sake of its instructions: these two methods are some fifty of them each, and
// that is what a pair costs.

using System.Runtime.CompilerServices;

namespace Allot;

internal static unsafe class SlabPath
{
    /// <summary>Takes a block and charges its owner.</summary>
    /// <param name="heap">This thread's.</param>
    /// <param name="bin">The bin of the class.</param>
    /// <param name="slot">Where this thread holds bytes of the owner in advance.</param>
    /// <param name="key">The key of the owner there.</param>
    /// <param name="id">The owner's number.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* TryTake(ThreadHeap* heap, SlabBin* bin, ReserveSlot* slot, long key, int id)
    {
        byte* block = bin->Head;
        if (block == null) return null;
        if (Volatile.Read(ref ThreadHeap.UnitOf(heap, block)->Owner) != id)
        {
            return TryTakeMixed(heap, bin, slot, key, id);
        }

        var link = (BlockLink*)block;
        byte* next = link->Next;
        Volatile.Write(ref link->Check, 0);
        if (!slot->TrySpend(key, bin->BlockBytes))
        {
            link->Check = BlockLink.CheckOf(block, next);
            return null;
        }

        bin->Head = next;
        bin->Count--;
        return block;
    }

    /// <summary>Uncharges a block of one owner and puts it into the bin.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryGive(ThreadHeap* heap, byte* block, ReserveSlot* slot, long key, int id)
    {
        nuint offset = (nuint)((nint)block - heap->Base);
        if (offset >= heap->CommittedBytes) return false;
        SlabUnit* unit = heap->Units + (offset >> PageArena.UnitShift);
        if (!IsInUse(heap, unit, block) || OwnerOf(unit, block) != id) return false;
        SlabBin* bin = BinOf(heap, unit);
        if (bin->Count >= bin->Batch || !slot->TryKeep(key, unit->BlockBytes)) return false;
        Put(bin, block);
        return true;
    }

    /// <summary>Uncharges a block, whoever owns it, and puts it into the bin.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryGive(ThreadHeap* heap, byte* block)
    {
        nuint offset = (nuint)((nint)block - heap->Base);
        if (offset >= heap->CommittedBytes) return false;
        SlabUnit* unit = heap->Units + (offset >> PageArena.UnitShift);
        if (!IsInUse(heap, unit, block)) return false;
        SlabBin* bin = BinOf(heap, unit);
        if (bin->Count >= bin->Batch) return false;
        int owner = OwnerOf(unit, block);
        OwnerEntry* entry = ThreadHeap.ById(heap, owner);
        if (entry->Id != owner || !entry->Slot->TryKeep(entry->Key, unit->BlockBytes)) return false;
        Put(bin, block);
        return true;
    }

    // The same for a unit with more than one owner.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* TryTakeMixed(ThreadHeap* heap, SlabBin* bin, ReserveSlot* slot, long key, int id)
    {
        byte* block = bin->Head;
        SlabUnit* unit = ThreadHeap.UnitOf(heap, block);
        int owner = Volatile.Read(ref unit->Owner);
        if (owner != SlabUnit.Mixed || !ThreadHeap.TryEnter(heap, id, key)) return null;
        var link = (BlockLink*)block;
        byte* next = link->Next;
        Volatile.Write(ref link->Check, 0);
        bool charged = slot->TrySpend(key, bin->BlockBytes);
        if (charged) unit->Owners[ThreadHeap.IndexInUnit(unit, block)] = id;
        ThreadHeap.Leave(heap);
        if (!charged)
        {
            link->Check = BlockLink.CheckOf(block, next);
            return null;
        }

        bin->Head = next;
        bin->Count--;
        return block;
    }

    // Whether it is the address of a block in use, of a class that this thread has a bin for.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsInUse(ThreadHeap* heap, SlabUnit* unit, byte* block)
    {
        nuint at = (nuint)((nint)block - unit->SpanStart);
        ulong inverse = unit->Inverse;
        if (at >= unit->CarvedBytes || at * inverse >= inverse || unit->BinOffset >= heap->BinBytes) return false;
        var link = (BlockLink*)block;
        return link->Check != BlockLink.CheckOf(block, link->Next);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int OwnerOf(SlabUnit* unit, byte* block)
    {
        int owner = Volatile.Read(ref unit->Owner);
        return owner != SlabUnit.Mixed ? owner : unit->Owners[ThreadHeap.IndexInUnit(unit, block)];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static SlabBin* BinOf(ThreadHeap* heap, SlabUnit* unit) =>
        (SlabBin*)((byte*)heap->Bins + unit->BinOffset);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Put(SlabBin* bin, byte* block)
    {
        BlockLink.Push(block, bin->Head);
        bin->Head = block;
        bin->Count++;
    }
}
