// The slow path of the owner: charges and uncharges that reach the tree, and what they take along or leave in a slot.

using System.Diagnostics;

namespace Allot;

internal sealed unsafe partial class ThreadReserves
{
    // What a slot may hold at first. It doubles each time that it was too small.
    private const long CapacityAtFirst = 64 << 10;
    private const long CapacityMax = 4 << 20;

    // A reserve is at most this part of the room that is left, and not worth taking below SurplusMin.
    private const int PartOfRoom = 16;
    private const long SurplusMin = 4096;

    /// <summary>Charges the tree, and takes a reserve along when that has proved useful.</summary>
    /// <param name="counter">The counter to charge.</param>
    /// <param name="tree">Its tree.</param>
    /// <param name="bytes">More than 0.</param>
    /// <param name="limiter">The level without room; null on success, and when the group was removed.</param>
    public static bool TryCharge(MemoryCounter counter, TreeReserves tree, long bytes, out MemoryCounter? limiter)
    {
        Debug.Assert(bytes > 0, "Nothing needs no room.");
        ThreadReserves own = t_own ?? ReserveRegistry.Enlist();
        limiter = null;
        bool isFirstSlot = false, charged = false, isClosed = false;
        own.Enter();
        try
        {
            ReserveSlot* slot = own.FindBound(counter);
            isClosed = counter.IsClosed;
            if (!isClosed && counter.TryFindRoom(out long room))
            {
                if (slot is null) slot = own.TryBind(counter, tree, room, out isFirstSlot);
                charged = slot is null
                    ? counter.TryChargePath(bytes, out limiter)
                    : own.TryChargeAndFill(slot, counter, tree, new Want(bytes, room), out limiter);

                // The second look; pairs with Close_NeedsGate. What stands by now, bytes and slot, is seen there, or
                // the removal is seen here and leaves nothing.
                isClosed = counter.IsClosed;
                if (isClosed)
                {
                    own.Undo(counter, tree, charged ? bytes : 0);
                    charged = false;
                    limiter = null;
                }
            }
        }
        finally
        {
            own.Exit();
        }

        if (isFirstSlot) tree.KeepTrimmed((counter.Whole ?? counter).Root);
        if (!charged && !isClosed) charged = tree.TryChargeExactly(counter, bytes, ref limiter);
        tree.Settle();
        if (own._hasEvicted) own.SettleEvicted();
        return charged;
    }

    /// <summary>Uncharges the tree; keeps a part as a reserve if this thread has one.</summary>
    /// <param name="counter">The counter that was charged.</param>
    /// <param name="tree">Its tree.</param>
    /// <param name="bytes">More than 0.</param>
    /// <returns>Bytes that were not there to give back.</returns>
    public static long Uncharge(MemoryCounter counter, TreeReserves tree, long bytes)
    {
        if (t_own is { } own && (own.TryKeepSomewhere(counter, tree, bytes)
            || (own.TryBindForKeeping(counter, tree) && own.TryKeepSomewhere(counter, tree, bytes))))
        {
            return 0;
        }

        if (tree.BoundSlots == 0) return counter.UnchargePath(bytes);

        // Peaks first: the highest use since the last visit is known only while these bytes stand on the tree.
        counter.NotePeaks();
        if (!counter.HasReserves || bytes <= counter.RecordedBytes) return counter.UnchargePath(bytes);

        // More than seems to be in use. Other threads may have moved between the readings, so look again exactly.
        return tree.UnchargeExactly(counter, bytes);
    }

    private bool TryChargeAndFill(
        ReserveSlot* slot, MemoryCounter counter, TreeReserves tree, Want want, out MemoryCounter? limiter)
    {
        long most = (want.Room - want.Bytes) / PartOfRoom;
        if (most > slot->Capacity) Widen(slot, tree);
        NotePeaks(slot, counter);
        long surplus = Math.Min((slot->Capacity / 2) - slot->Balance, most);
        if (surplus >= SurplusMin)
        {
            tree.Moves.Begin();
            bool charged = counter.TryChargePath(want.Bytes + surplus, out limiter);
            if (charged)
            {
                slot->Lowest = slot->Balance + surplus;
                Volatile.Write(ref slot->Balance, slot->Balance + surplus);
            }

            tree.Moves.End();
            if (charged) return true;
        }

        return counter.TryChargePath(want.Bytes, out limiter);
    }

    private bool TryKeepSomewhere(MemoryCounter counter, TreeReserves tree, long bytes)
    {
        ReserveSlot* slot = FindBound(counter);
        if (slot is null) return false;
        Enter();
        try
        {
            if (slot->Key != counter.ReserveKey) return false;
            Widen(slot, tree);
            if (slot->TryKeep(counter.ReserveKey, bytes)) return true;
            if (bytes > slot->Capacity) return false;

            NotePeaks(slot, counter);
            long keep = slot->Capacity / 2;
            long drain = slot->Balance + bytes - keep;
            tree.Moves.Begin();
            long missing = counter.UnchargePath(drain);
            Volatile.Write(ref slot->Balance, keep);
            slot->Lowest = keep;
            tree.Moves.End();
            tree.NoteMissing(counter, missing);
            return true;
        }
        finally
        {
            Exit();
        }
    }

    // A thread that only gives back what others have charged may keep it too, on the same terms as one that charges.
    private bool TryBindForKeeping(MemoryCounter counter, TreeReserves tree)
    {
        if (tree.MaxBytes < CapacityAtFirst) return false;
        bool isFirstSlot = false, isBound = false;
        Enter();
        try
        {
            if (counter.IsClosed || FindBound(counter) is not null || !counter.TryFindRoom(out long room)) return false;
            ReserveSlot* slot = TryBindForKeeping(counter, tree, room, out isFirstSlot);
            isBound = slot is not null && !counter.IsClosed;   // the second look: see TryCharge
            if (slot is not null && !isBound) Unbind((int)(slot - _slots));
        }
        finally
        {
            Exit();
        }

        if (isFirstSlot) tree.KeepTrimmed((counter.Whole ?? counter).Root);
        if (_hasEvicted) SettleEvicted();
        return isBound;
    }

    private void SettleEvicted()
    {
        _hasEvicted = false;
        ReserveRegistry.Settle();
    }

    // The group was removed while we were charging it. Under the lock that we charged under.
    private void Undo(MemoryCounter counter, TreeReserves tree, long bytes)
    {
        if (bytes > 0) tree.NoteMissing(counter, counter.UnchargePath(bytes));   // first: Unbind notes peaks
        ReserveSlot* slot = FindBound(counter);
        if (slot is not null) Unbind((int)(slot - _slots));
    }

    private static void Widen(ReserveSlot* slot, TreeReserves tree)
    {
        if (slot->Capacity < CapacityMax && tree.TryTakeCapacity(slot->Capacity)) slot->Capacity *= 2;
    }

    private static void NotePeaks(ReserveSlot* slot, MemoryCounter counter)
    {
        counter.NotePeaks();
        slot->Lowest = slot->Balance;
    }

    private readonly record struct Want(long Bytes, long Room);
}
