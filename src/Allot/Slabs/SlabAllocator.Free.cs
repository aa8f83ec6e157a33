// The slow path of a free: full bins, owners that this thread does not know yet, large blocks, and mistakes.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Allot;

internal sealed unsafe partial class SlabAllocator
{
    /// <summary>Frees a block, or says what is wrong with it.</summary>
    /// <param name="heap">This thread's.</param>
    /// <param name="block">Not null.</param>
    /// <param name="cache">The cache that it has to be of; null for none.</param>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void FreeSlow(ThreadHeap* heap, byte* block, SlabCache? cache = null)
    {
        heap->CommittedBytes = CommittedBytes;
        if (!TryFindUnit((nint)block, out SlabUnit* unit) || unit->State == SlabUnitState.None)
        {
            Fail(block, "was not allocated here, or is freed already");
            return;
        }

        SlabCache? actual = unit->State == SlabUnitState.Slab ? ClassOf(unit->BinIndex).Cache : null;
        if (actual != cache)
        {
            Fail(block, $"belongs to {(actual is null ? "no cache" : $"the cache '{actual.Name}'")}, and was freed to "
                + $"{(cache is null ? "none" : $"'{cache.Name}'")}");
            return;
        }

        if (cache is { IsRemoved: true })
        {
            Fail(block, $"was freed to the cache '{cache.Name}', which was removed");
            return;
        }

        if (unit->State == SlabUnitState.Large)
        {
            FreeLarge(heap, unit, block);
            return;
        }

        if (!IsBlockInUse(unit, block) || !IsChecked(block)) return;
        ThreadHeap.OpenUnlimited(heap);
        UnchargeOwner(heap, unit, block, out bool hasEnded);
        PutAway(heap, unit->BinIndex, block, hasEnded);
    }

    /// <summary>The bytes that may be used of a block.</summary>
    public long BytesOf(byte* block)
    {
        if (!TryFindUnit((nint)block, out SlabUnit* unit) || unit->State == SlabUnitState.None)
        {
            Fail(block, "was not allocated here, or is freed already");
            return 0;
        }

        if (unit->State == SlabUnitState.Slab && !IsBlockInUse(unit, block)) return 0;
        return UsableBytesOf(block);
    }

    private bool IsBlockInUse(SlabUnit* unit, byte* block)
    {
        nuint at = (nuint)((nint)block - unit->SpanStart);
        if (at >= unit->CarvedBytes || at % (nuint)unit->BlockBytes != 0)
        {
            Fail(block, "is not the start of a block");
            return false;
        }

        if (FreeBlock.IsFree(block))
        {
            Fail(block, "is freed a second time");
            return false;
        }

        return true;
    }

    private void FreeLarge(ThreadHeap* heap, SlabUnit* unit, byte* block)
    {
        if ((nint)block != unit->SpanStart)
        {
            Fail(block, "is not the start of a block");
            return;
        }

        if (!IsChecked(block)) return;

        // First the owner: as soon as the block is free, the search for blocks of removed groups does not find it, and
        // the id is nobody's or somebody else's. The group itself is good for as long as it is held here.
        int owner = unit->Owner;
        MemoryGroup? group = _owners.Find(owner, out MemoryKind kind);

        // Of two that free it at the same time, one finds it freed.
        SlabUnitState seen = (SlabUnitState)Interlocked.CompareExchange(
            ref Unsafe.As<SlabUnitState, int>(ref unit->State), (int)SlabUnitState.None, (int)SlabUnitState.Large);
        if (seen != SlabUnitState.Large)
        {
            Fail(block, "is freed a second time");
            return;
        }

        Debug.Assert(group is not null || owner == SlabOwners.Nobody, "A block in use has an owner.");
        long bytes = (long)unit->Units << PageArena.UnitShift;
        using (SpansLock.EnterScope()) *unit = default;
        group?.UnchargeRecorded(kind, bytes);
        if (Checker is not { } checker)
        {
            FreeUnits(block, bytes);
            return;
        }

        checker.Keep(block, BlockChecker.NoClass);
        LetGo(heap, all: false);
    }

    private void FreeUnits(byte* block, long bytes)
    {
        Arena.Free((int)(((nint)block - Arena.Base) >> PageArena.UnitShift), (int)(bytes >> PageArena.UnitShift));
        NoteActivity();
    }

    private void UnchargeOwner(ThreadHeap* heap, SlabUnit* unit, byte* block, out bool hasEnded)
    {
        hasEnded = false;
        int owner = Volatile.Read(ref unit->Owner);
        if (owner == SlabUnit.Mixed) owner = unit->Owners[ThreadHeap.IndexInUnit(unit, block)];
        if (owner == SlabOwners.Nobody) return;
        OwnerEntry* entry = ThreadHeap.ById(heap, owner);
        bool isFast = entry->Id == owner && !IsPaused;
        if (isFast && entry->Slot->TryKeep(entry->Key, unit->BlockBytes)) return;

        // The block is in use, so its owner has not been released.
        MemoryGroup? group = _owners.Find(owner, out MemoryKind kind);
        if (group is null)
        {
            Fail(block, "has no owner");
            return;
        }

        hasEnded = group.State == MemoryGroupState.Offline;
        group.UnchargeRecorded(kind, unit->BlockBytes);   // what is recorded was counted, whatever the scope is now
        MemoryCounter counter = group.CounterOf(kind);
        *entry = new OwnerEntry { Id = owner, Key = counter.ReserveKey, Slot = ThreadReserves.SlotOf(counter) };
    }
}
