// Taking back: steps 2 to 4 of a taker, what threads leave that have ended, and what a thread gives back by itself.

using System.Diagnostics;
using System.Numerics;

namespace Allot;

internal sealed unsafe partial class ThreadReserves
{
    /// <summary>Ends the charging of a group: when this returns, no charge of it begins any more, and no thread holds
    /// anything of it in advance.</summary>
    /// <param name="memory">All memory of the group; its part is charged to it.</param>
    /// <param name="others">The other counters of the group; null where there is none.</param>
    /// <remarks>Under the gate of their tree. Without a bound slot it asks no thread.</remarks>
    public static void Close_NeedsGate(MemoryCounter memory, ReadOnlySpan<MemoryCounter?> others)
    {
        memory.Close();
        foreach (MemoryCounter? other in others) other?.Close();

        // Pairs with the second look in TryCharge: who binds a slot counts it (a full fence) and then looks, we close
        // (a full fence) and then read the count.
        Interlocked.MemoryBarrier();
        if (memory.HasReserves) TakeBack_NeedsGate(memory, idleOnly: false);
    }

    /// <summary>Takes back what all threads hold in advance below a counter.</summary>
    /// <param name="level">A counter of the tree whose gate the caller holds.</param>
    /// <param name="idleOnly">Only what has not moved since the last such call, and what dead threads left.</param>
    public static void TakeBack_NeedsGate(MemoryCounter level, bool idleOnly)
    {
        // The caller's mark on the counter comes before our reading of the registry; a thread that enlists does it the
        // other way around (ReserveRegistry.Enlist).
        Interlocked.MemoryBarrier();
        ReadOnlySpan<ThreadReserves> all = ReserveRegistry.All;
        bool any = false;
        foreach (ThreadReserves one in all) any |= one.CloseSlots(level, idleOnly);
        if (!any) return;

        Interlocked.MemoryBarrierProcessWide();
        foreach (ThreadReserves one in all) one.EmptyClosedSlots(level);
    }

    /// <summary>Gives everything that a dead thread held back to its trees, for the next owner.</summary>
    internal void Inherit(Thread owner)
    {
        bool isEmpty = TryRetire();
        Debug.Assert(isEmpty, "Only what a dead thread left is inherited.");
        _owner = owner;
        _blocks = 0;
    }

    /// <summary>Gives everything that a dead thread held back to its trees.</summary>
    /// <returns>False when the owner lives, and has what it had.</returns>
    internal bool TryRetire()
    {
        if (!OwnerIsDead) return false;
        Enter();
        try
        {
            // No barrier: a thread that has ended has no stores under way.
            for (ulong used = _used; used != 0; used &= used - 1)
            {
                UnbindAndNote(BitOperations.TrailingZeroCount(used));
            }

            return true;
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>Gives everything that this thread holds in advance back to its trees: what a handle remembers is worth
    /// nothing then. Called without locks.</summary>
    public static void GiveBackOwn()
    {
        if (t_own is not { } own || Volatile.Read(ref own._used) == 0) return;
        own.Enter();
        try
        {
            for (ulong used = own._used; used != 0; used &= used - 1)
            {
                int index = BitOperations.TrailingZeroCount(used);
                bool isTaken = own._slots[index].Key == 0;   // its taker gives it back
                if (!isTaken) own.UnbindAndNote(index);
            }
        }
        finally
        {
            own.Exit();
        }

        ReserveRegistry.Settle();
    }

    /// <summary>Gives everything that a living thread holds back to its trees, and does something before the thread can
    /// hold anything again: it is then in the middle of no spending.</summary>
    internal void TakeAll(Thread owner, Action whileStopped)
    {
        Enter();
        try
        {
            if (_owner != owner) return;   // inherited meanwhile
            for (ulong used = _used; used != 0; used &= used - 1)
            {
                Volatile.Write(ref _slots[BitOperations.TrailingZeroCount(used)].Key, 0);
            }

            Interlocked.MemoryBarrierProcessWide();
            for (ulong used = _used; used != 0; used &= used - 1)
            {
                int index = BitOperations.TrailingZeroCount(used);
                WaitUntilNotBusy(_slots + index);
                UnbindAndNote(index);
            }

            whileStopped();
        }
        finally
        {
            Exit();
        }
    }

    private static void WaitUntilNotBusy(ReserveSlot* slot)
    {
        SteadySpin spin = default;
        while (Volatile.Read(ref slot->Busy) == ReserveSlot.InUse) spin.Once();
    }

    // Step 2 of a taker.
    private bool CloseSlots(MemoryCounter level, bool idleOnly)
    {
        bool any = false;
        Enter();
        try
        {
            bool isDead = idleOnly && _used != 0 && OwnerIsDead;
            for (ulong used = _used; used != 0; used &= used - 1)
            {
                int index = BitOperations.TrailingZeroCount(used);
                ReserveSlot* slot = _slots + index;
                if (!_counters[index]!.IsChargedOn(level)) continue;
                if (slot->Key == 0)
                {
                    any = true;   // left behind by a taker that did not come to its end
                    continue;
                }

                bool rests = slot->Balance == slot->BalanceSeen;
                slot->BalanceSeen = slot->Balance;
                if (idleOnly && !rests && !isDead) continue;
                Volatile.Write(ref slot->Key, 0);
                any = true;
            }
        }
        finally
        {
            Exit();
        }

        return any;
    }

    // Step 4 of a taker. What is closed below the level was closed by us: there is one taker per tree.
    private void EmptyClosedSlots(MemoryCounter level)
    {
        // Without the lock, and right because Unbind clears the bit last: when it is gone, the bytes are in the tree.
        if (Volatile.Read(ref _used) == 0) return;
        Enter();
        try
        {
            for (ulong used = _used; used != 0; used &= used - 1)
            {
                int index = BitOperations.TrailingZeroCount(used);
                ReserveSlot* slot = _slots + index;
                if (slot->Key != 0 || !_counters[index]!.IsChargedOn(level)) continue;
                WaitUntilNotBusy(slot);
                Unbind(index);
            }
        }
        finally
        {
            Exit();
        }
    }
}
