// The slow path of an allocation. The charge comes first, because it may run reclaimers, which free and allocate on
// this thread: after it, the heap is looked at anew. Inside of BlockAccounting nobody pays, and that is what is
// recorded: freed outside of it, such a block takes nothing from anybody.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Allot;

internal sealed unsafe partial class SlabAllocator
{
    private enum Record
    {
        Done,
        GroupEnded,
        NoMemory,
        ClassClosed,
    }

    /// <summary>Makes a payer of a group, for this thread and the call that it is in.</summary>
    public SlabPayer PayerFor(ThreadHeap* heap, MemoryGroup group, MemoryKind kind)
    {
        GroupCharging.ValidateKind(kind);
        if (!group.Counts(kind)) return Nobody(heap, group, kind, group.State == MemoryGroupState.Online);
        MemoryCounter counter = group.CounterOf(kind);
        long key = counter.ReserveKey;
        OwnerEntry* entry = ThreadHeap.ByKey(heap, key);
        if (entry->Key != key) Remember(heap, group, kind, counter);
        bool isKnown = entry->Key == key;
        return new SlabPayer
        {
            Group = group,
            Kind = kind,
            Id = isKnown ? entry->Id : 0,
            Tag = isKnown ? Magazine.TagOf(entry->Id) : Magazine.NoTag,
            SlotKey = isKnown && !IsPaused ? key : SlabPayer.NoKey,
            OwnerKey = key,
            Slot = isKnown ? entry->Slot : &heap->Unlimited,
        };
    }

    /// <summary>Whether every charge of this thread has to be made by the group itself.</summary>
    public static bool IsPaused
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ThreadReserves.IsPaused;
    }

    /// <summary>Allocates a block of a class.</summary>
    /// <param name="heap">This thread's.</param>
    /// <param name="of">The class.</param>
    /// <param name="asked">Who is charged, unless a scope says that nobody is.</param>
    /// <param name="flags">What <c>Charge</c> of the group may do; null for its <c>TryCharge</c>.</param>
    /// <param name="refusal">When null is returned: who refused; of no group when the class is closed.</param>
    /// <exception cref="MemoryLimitExceededException">A limit refused, and there are flags.</exception>
    /// <exception cref="InsufficientMemoryException">The system has no memory; nothing is charged.</exception>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public byte* AllocateSlow(
        ThreadHeap* heap, SlabClass of, in SlabPayer asked, AllocationFlags? flags, out ChargeRefusal refusal)
    {
        refusal = default;
        heap->CommittedBytes = CommittedBytes;
        SlabPayer payer = InScope(heap, asked, flags);
        uint index = (uint)of.Index;
        if (index >= heap->BinCount && !TryGrowBins(heap)) throw NoMemory(of.BlockBytes);
        ThreadHeap.OpenUnlimited(heap);
        SlabBin* bin = heap->Bins + index;
        if (TryTakeSpare(heap, bin))
        {
            byte* block = SlabPath.TryTake(heap, bin, payer.Slot, payer.SlotKey, payer.Tag);
            if (block != null) return block;
        }

        while (true)
        {
            if (!Charge(payer, of.BlockBytes, flags, out refusal)) return null;
            byte* block = TakeCharged(heap, of, payer, out Record record);
            if (block != null)
            {
                RefreshSlot(heap, payer);
                return block;
            }

            Uncharge(payer, of.BlockBytes);
            if (record == Record.ClassClosed) return null;
            if (record == Record.NoMemory) throw NoMemory(of.BlockBytes);
        }
    }

    /// <summary>Allocates a block with units of its own.</summary>
    /// <inheritdoc cref="AllocateSlow"/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public byte* AllocateLarge(
        ThreadHeap* heap, nuint bytes, in SlabPayer asked, AllocationFlags? flags, out ChargeRefusal refusal)
    {
        Debug.Assert(bytes > SizeClasses.LargestBytes, "A smaller block has a class.");
        refusal = default;
        SlabPayer payer = InScope(heap, asked, flags);
        bool isTooLarge = bytes > (nuint)Arena.UnitsMax << PageArena.UnitShift;
        int units = isTooLarge ? 0 : (int)((bytes + PageArena.UnitBytes - 1) >> PageArena.UnitShift);
        long charged = isTooLarge
            ? (long)Math.Min((ulong)bytes, MemoryGroup.MaxChargeBytes)
            : (long)units << PageArena.UnitShift;
        while (true)
        {
            // A limit that refuses comes first: who asked for too much is told from a machine that has too little.
            if (isTooLarge && !HasLimitBelow(payer, charged)) throw NoMemory(charged);
            if (!Charge(payer, charged, flags, out refusal)) return null;
            bool hasNoUnits = isTooLarge || payer.Id == 0;   // 0: no memory, not even for a number
            int first = hasNoUnits ? -1 : TryAllocateUnits(units);
            if (first >= 0)
            {
                if (TryRecordLarge(heap, first, units, payer)) return (byte*)Arena.AddressOf(first);
                Arena.Free(first, units);
            }

            Uncharge(payer, charged);
            if (first < 0) throw NoMemory(charged);
        }
    }

    /// <summary>The payer of what nobody pays for, and no group was named for.</summary>
    public static SlabPayer Nobody(ThreadHeap* heap) => Nobody(heap, null!, MemoryKind.User, isOpen: true);

    private static SlabPayer Nobody(ThreadHeap* heap, MemoryGroup group, MemoryKind kind, bool isOpen) => new()
    {
        Group = group,
        Kind = kind,
        Id = SlabOwners.Nobody,
        Tag = Magazine.TagOf(SlabOwners.Nobody),
        SlotKey = isOpen ? SlabOwners.NobodyKey : SlabPayer.NoKey,
        OwnerKey = SlabOwners.NobodyKey,
        Slot = &heap->Unlimited,
    };

    // Who pays, in the scopes of the caller.
    private static SlabPayer InScope(ThreadHeap* heap, in SlabPayer asked, AllocationFlags? flags)
    {
        if (!ThreadContext.Intercepts) return asked;
        bool isUncounted = GroupCharging.IsUncounted(asked.Group, flags ?? AllocationFlags.None);
        return isUncounted ? Nobody(heap, asked.Group, asked.Kind, isOpen: true) : asked;
    }

    private int TryAllocateUnits(int units)
    {
        int first = Arena.TryAllocate(units);
        if (first >= 0) return first;
        Trim(all: true);   // what others keep, and what is idle here, comes before a refusal
        return Arena.TryAllocate(units);
    }

    private bool TryRecordLarge(ThreadHeap* heap, int first, int units, in SlabPayer payer)
    {
        Debug.Assert(payer.Id != 0, "What is written down is an owner.");
        SlabUnit* unit = (SlabUnit*)Arena.SideTable + first;
        using (SpansLock.EnterScope())
        {
            if (!ThreadHeap.TryEnter(heap, payer.Id, payer.OwnerKey)) return false;
            *unit = new SlabUnit
            {
                SpanStart = Arena.AddressOf(first),
                Owner = payer.Id,
                Units = units,
                State = SlabUnitState.Large,
            };
            ThreadHeap.Leave(heap);
            return true;
        }
    }

    private Record RecordOwner(ThreadHeap* heap, SlabUnit* unit, byte* block, in SlabPayer payer)
    {
        if (payer.Id == 0) return Record.NoMemory;   // not even for a number
        while (true)
        {
            if (!ThreadHeap.TryEnter(heap, payer.Id, payer.OwnerKey)) return Record.GroupEnded;
            int owner = Volatile.Read(ref unit->Owner);
            bool isMixed = owner == SlabUnit.Mixed;
            if (isMixed) unit->Owners[ThreadHeap.IndexInUnit(unit, block)] = payer.Id;
            ThreadHeap.Leave(heap);
            if (isMixed || owner == payer.Id) return Record.Done;
            if (!TryChangeOwner(heap, unit, payer)) return Record.NoMemory;
        }
    }

    // The block in hand belongs to the payer afterwards, or the unit is mixed.
    private bool TryChangeOwner(ThreadHeap* heap, SlabUnit* unit, in SlabPayer payer)
    {
        using (ClassOf(unit->BinIndex).OwnersLock.EnterScope())
        {
            int owner = unit->Owner;
            if (owner == SlabUnit.Mixed) return true;
            if (owner == SlabUnit.NoOwner || unit->BlockCount == 1)
            {
                if (!ThreadHeap.TryEnter(heap, payer.Id, payer.OwnerKey)) return true;   // the caller finds that out
                Volatile.Write(ref unit->Owner, payer.Id);
                ThreadHeap.Leave(heap);
                return true;
            }

            var owners = (int*)_metadata.TryAllocate(OwnersBytes(unit));
            if (owners == null) return false;
            new Span<int>(owners, unit->BlockCount).Fill(owner);
            unit->Owners = owners;
            Volatile.Write(ref unit->Owner, SlabUnit.Mixed);
            return true;
        }
    }

    private static bool Charge(in SlabPayer payer, long bytes, AllocationFlags? flags, out ChargeRefusal refusal)
    {
        refusal = default;
        if (payer.SlotKey == SlabOwners.NobodyKey) return true;
        if (flags is not { } permitted) return payer.Group.TryCharge(payer.Kind, bytes, out refusal) && payer.IsCharged;
        payer.Group.ChargeAs(payer.Kind, bytes, permitted);
        Debug.Assert(payer.IsCharged, "A group that has ended takes no charge.");
        return true;
    }

    private static bool HasLimitBelow(in SlabPayer payer, long bytes)
    {
        if (!payer.IsCharged) return false;
        for (MemoryGroup? group = payer.Group; group is not null; group = group.Parent)
        {
            if (group.Memory.MaxBytes < bytes || group.CounterOf(payer.Kind).MaxBytes < bytes) return true;
        }

        return false;
    }

    private static void Uncharge(in SlabPayer payer, long bytes)
    {
        if (payer.IsCharged) payer.Group.UnchargeRecorded(payer.Kind, bytes);
    }

    private void Remember(ThreadHeap* heap, MemoryGroup group, MemoryKind kind, MemoryCounter counter)
    {
        int id = _owners.IdOf(group, kind, counter.ReserveKey);
        if (id == 0) return;
        var entry = new OwnerEntry { Key = counter.ReserveKey, Id = id, Slot = ThreadReserves.SlotOf(counter) };
        *ThreadHeap.ByKey(heap, entry.Key) = entry;
        *ThreadHeap.ById(heap, id) = entry;
    }

    // The reserve may be elsewhere by now: slots are bound when they prove useful, and change places.
    private static void RefreshSlot(ThreadHeap* heap, in SlabPayer payer)
    {
        if (!payer.IsCharged) return;
        ReserveSlot* slot = ThreadReserves.SlotOf(payer.Group.CounterOf(payer.Kind));
        OwnerEntry* entry = ThreadHeap.ByKey(heap, payer.OwnerKey);
        if (entry->Key == payer.OwnerKey) entry->Slot = slot;
        *ThreadHeap.ById(heap, payer.Id) = new OwnerEntry { Key = payer.OwnerKey, Id = payer.Id, Slot = slot };
    }

    private static InsufficientMemoryException NoMemory(long bytes) =>
        new($"The system has no memory for a block of {bytes} bytes. Nothing is charged for it.");
}
