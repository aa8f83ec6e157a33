// The fast path of every allocator here: take a block from the bin of this thread and charge it, uncharge a block and
// put it into the bin. Everything unusual returns null or false, having changed nothing, and SlabAllocator does it.
// SlabOwners.cs says why the order of the steps is what it is.

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
        var link = (BlockLink*)block;
        byte* next = link->Next;
        nuint check = link->Check;
        if (check != BlockLink.CheckOf(block, next)) return null;
        SlabUnit* unit = ThreadHeap.UnitOf(heap, block);
        int owner = Volatile.Read(ref unit->Owner);
        bool isMixed = owner != id;
        if (isMixed && (owner != SlabUnit.Mixed || !ThreadHeap.TryEnter(heap, id, key))) return null;

        Volatile.Write(ref link->Check, 0);
        bool charged = slot->TrySpend(key, bin->BlockBytes);
        if (isMixed)
        {
            if (charged) unit->Owners[ThreadHeap.IndexInUnit(unit, block)] = id;
            ThreadHeap.Leave(heap);
        }

        if (!charged)
        {
            link->Check = check;
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
        SlabBin* bin = BinFor(heap, block, out int owner, out int bytes);
        if (bin == null || owner != id || !slot->TryKeep(key, bytes)) return false;
        BlockLink.Push(block, bin->Head);
        bin->Head = block;
        bin->Count++;
        return true;
    }

    /// <summary>Uncharges a block, whoever owns it, and puts it into the bin.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryGive(ThreadHeap* heap, byte* block)
    {
        SlabBin* bin = BinFor(heap, block, out int owner, out int bytes);
        if (bin == null) return false;
        OwnerEntry* entry = ThreadHeap.ById(heap, owner);
        if (entry->Id != owner || !entry->Slot->TryKeep(entry->Key, bytes)) return false;
        BlockLink.Push(block, bin->Head);
        bin->Head = block;
        bin->Count++;
        return true;
    }

    // Null unless the address is that of a block in use, and its bin has space.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static SlabBin* BinFor(ThreadHeap* heap, byte* block, out int owner, out int bytes)
    {
        Unsafe.SkipInit(out owner);
        Unsafe.SkipInit(out bytes);
        nuint offset = (nuint)((nint)block - heap->Base);
        if (offset >= heap->CommittedBytes) return null;
        SlabUnit* unit = heap->Units + (offset >> PageArena.UnitShift);
        nuint at = (nuint)((nint)block - unit->SpanStart);
        if (at >= unit->CarvedBytes || at * unit->Inverse >= unit->Inverse) return null;
        uint index = unit->BinIndex;
        if (index >= heap->BinCount) return null;
        SlabBin* bin = heap->Bins + index;
        if (bin->Count >= bin->Batch) return null;
        var link = (BlockLink*)block;
        if (link->Check == BlockLink.CheckOf(block, link->Next)) return null;
        owner = Volatile.Read(ref unit->Owner);
        if (owner == SlabUnit.Mixed) owner = unit->Owners[ThreadHeap.IndexInUnit(unit, block)];
        bytes = unit->BlockBytes;
        return bin;
    }
}
