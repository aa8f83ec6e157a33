// Which slot is whose: where a counter looks for its own, and how it gets and loses one. All but FindBound under the
// lock, or by the owner alone.

using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Allot;

internal sealed unsafe partial class ThreadReserves
{
    // A counter has its slot in one of Ways neighbouring places, tried in order.
    private const int SlotCount = 64;
    private const int Ways = 4;

    // A counter has to come by so often before it gets a slot.
    private const int WarmthNeeded = 8;

    // After so many hits a counter asks for the first of its places.
    private const int HitsBeforeExchange = 64;

    /// <summary>Where the slot of a key lies, relative to the first: neighbours in time get different slots.</summary>
    public static int OffsetOf(long key) =>
        (int)(((ulong)key * 0x9E37_79B9_7F4A_7C15) >> (64 - BitOperations.Log2(SlotCount))) * ReserveSlot.SizeInBytes;

    // The slot that is bound to a counter, or null. Called by the owner, with or without the lock: only a taker unbinds
    // what belongs to another thread, and TrySpend and TryKeep look at the key again.
    private ReserveSlot* FindBound(MemoryCounter counter)
    {
        if (_slots is null || counter.ReserveKey == 0) return null;
        ReserveSlot* first = _slots + (counter.SlotOffset / ReserveSlot.SizeInBytes);
        for (int way = 0; way < Ways; way++)
        {
            ReserveSlot* slot = Place(first, way);
            if (Volatile.Read(ref slot->Key) == counter.ReserveKey) return slot;
        }

        return null;
    }

    // Of two that share their first place, the one that is used more often should have it.
    private ReserveSlot* FindBoundElsewhere(MemoryCounter counter)
    {
        ReserveSlot* first = _slots + (counter.SlotOffset / ReserveSlot.SizeInBytes);
        for (int way = 1; way < Ways; way++)
        {
            ReserveSlot* slot = Place(first, way);
            if (Volatile.Read(ref slot->Key) != counter.ReserveKey) continue;
            if (++slot->Warmth < HitsBeforeExchange) return slot;
            slot->Warmth = 0;
            return TryExchange(first, slot) ? first : slot;
        }

        return null;
    }

    private bool TryExchange(ReserveSlot* first, ReserveSlot* slot)
    {
        Enter();
        try
        {
            int to = (int)(first - _slots), from = (int)(slot - _slots);
            bool isFree = _counters[to] is null, isClosed = slot->Key == 0 || (!isFree && first->Key == 0);
            if (isClosed || (!isFree && !Rests(first))) return false;

            // The two can be of different trees. Not worth a wait, least of all in one tree during a move of the other.
            ReserveMoves moves = _counters[from]!.Reserves!.Moves;
            ReserveMoves? others = _counters[to]?.Reserves!.Moves;
            if (others == moves) others = null;
            if (!moves.TryBegin()) return false;
            bool areFree = others is null || others.TryBegin();
            if (areFree)
            {
                (_counters[to], _counters[from]) = (_counters[from], _counters[to]);
                (*first, *slot) = (*slot, *first);
                if (isFree) Volatile.Write(ref _used, (_used | (1UL << to)) & ~(1UL << from));
                others?.End();
            }

            moves.End();
            return areFree;
        }
        finally
        {
            Exit();
        }
    }

    // Whether the owner has not touched the slot since it was last asked. Only the owner asks, and every touch ends
    // with another value.
    private static bool Rests(ReserveSlot* slot)
    {
        if (slot->Busy == ReserveSlot.Untouched) return true;
        slot->Busy = ReserveSlot.Untouched;
        return false;
    }

    private ReserveSlot* Place(ReserveSlot* first, int way) => _slots + ((first - _slots) ^ way);

    private ReserveSlot* TryBind(MemoryCounter counter, TreeReserves tree, long room, out bool isFirst)
    {
        isFirst = false;
        if (!MayBind(counter, tree, room)) return null;
        EnsureSlots();
        ReserveSlot* slot = Candidate(counter);
        slot->Warmth = Math.Max(slot->Warmth, 0) + 1;
        return slot->Warmth < WarmthNeeded ? null : TryBindNear(slot, counter, tree, out isFirst);
    }

    // For a thread that uncharges and never charges: what it does counts below 0.
    private ReserveSlot* TryBindForKeeping(MemoryCounter counter, TreeReserves tree, long room, out bool isFirst)
    {
        isFirst = false;
        if (!MayBind(counter, tree, room)) return null;
        EnsureSlots();
        ReserveSlot* slot = Candidate(counter);
        if (slot->Warmth > 0) return null;
        slot->Warmth--;
        return slot->Warmth > -WarmthNeeded ? null : TryBindNear(slot, counter, tree, out isFirst);
    }

    private static bool MayBind(MemoryCounter counter, TreeReserves tree, long room) =>
        tree.MaxBytes >= CapacityAtFirst && counter.ReserveKey != 0 && room / PartOfRoom >= SurplusMin;

    // The first place of a counter, which notes how often it has come by.
    private ReserveSlot* Candidate(MemoryCounter counter)
    {
        ReserveSlot* slot = _slots + (counter.SlotOffset / ReserveSlot.SizeInBytes);
        if (slot->Candidate != counter.ReserveKey)
        {
            slot->Candidate = counter.ReserveKey;
            slot->Warmth = 0;
        }

        return slot;
    }

    private ReserveSlot* TryBindNear(
        ReserveSlot* slot, MemoryCounter counter, TreeReserves tree, out bool isFirst)
    {
        isFirst = false;
        slot->Warmth = 0;
        slot = FreeSlotNear(slot);
        if (slot is null || !tree.TryTakeCapacity(CapacityAtFirst)) return null;

        int index = (int)(slot - _slots);
        Debug.Assert(slot->Balance == 0, "A free slot holds nothing.");
        slot->Capacity = CapacityAtFirst;
        slot->Lowest = 0;
        slot->BalanceSeen = -1;
        Volatile.Write(ref _counters[index], counter);
        Volatile.Write(ref _used, _used | (1UL << index));
        Volatile.Write(ref slot->Key, counter.ReserveKey);
        counter.CountReserves(1);
        isFirst = tree.CountBound();
        return slot;
    }

    // Ways counters can share a place; one more has to wait until one of them rests.
    private ReserveSlot* FreeSlotNear(ReserveSlot* first)
    {
        for (int way = 0; way < Ways; way++)
        {
            ReserveSlot* slot = Place(first, way);
            if (_counters[slot - _slots] is null) return slot;
        }

        for (int way = 0; way < Ways; way++)
        {
            ReserveSlot* slot = Place(first, way);
            if (slot->Key == 0 || !Rests(slot)) continue;
            UnbindAndNote((int)(slot - _slots));
            _hasEvicted = true;
            return slot;
        }

        return null;
    }

    private void Unbind(int index)
    {
        ReserveSlot* slot = _slots + index;
        MemoryCounter counter = _counters[index]!;
        TreeReserves tree = counter.Reserves!;
        NotePeaks(slot, counter);
        Volatile.Write(ref slot->Key, 0);
        long balance = slot->Balance;
        Debug.Assert(balance >= 0, "A reserve is never overdrawn.");
        Debug.Assert(balance <= slot->Capacity, "A reserve is never larger than its capacity.");

        tree.Moves.Begin();
        long missing = balance == 0 ? 0 : counter.UnchargePath(balance);
        Volatile.Write(ref slot->Balance, 0);
        slot->Lowest = 0;
        Volatile.Write(ref _counters[index], null);
        Volatile.Write(ref _used, _used & ~(1UL << index));
        tree.Moves.End();
        tree.ReturnCapacity(slot->Capacity);
        counter.CountReserves(-1);
        tree.CountUnbound();
        tree.NoteMissing(counter, missing);
    }

    // For slots of any tree: who unbinds them settles those trees, by ReserveRegistry.Settle without locks.
    private void UnbindAndNote(int index)
    {
        TreeReserves tree = _counters[index]!.Reserves!;
        Unbind(index);
        if (tree.IsUnsettled) ReserveRegistry.NoteUnsettled(tree);
    }

    private void EnsureSlots()
    {
        if (_memory is not null) return;
        _memory = ThreadCells.Allocate<ReserveSlot>(SlotCount + 1);
        nint start = (nint)Unsafe.AsPointer(ref _memory[0]);
        nint aligned = (start + ReserveSlot.SizeInBytes - 1) & ~(nint)(ReserveSlot.SizeInBytes - 1);
        _slots = (ReserveSlot*)aligned;
        if (t_own == this && !IsPaused) ThreadPlaces.Slots = aligned;
    }
}
