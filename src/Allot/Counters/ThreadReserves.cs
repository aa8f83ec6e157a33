// Reserves (the kernel says stocks): what one thread has charged to counters in advance, so that its next charges touch
// no shared memory, whatever the depth of the tree.
//
// Terms. A *slot* is bound to one counter and holds a balance: bytes that stand on every level of that counter and that
// nobody uses. The *owner* is the thread whose slots these are. A *taker* is any other thread that takes them back; it
// needs neither help nor luck from the owner, who may be asleep or dead.
//
// Owner, fast (ReserveSlot.TrySpend, TryKeep): Busy = 1; if Key is right, change Balance; Busy = 0. Plain stores.
// Owner, slow: everything that changes the tree happens under the lock of its own reserves, deposit included.
// Taker (under the gate of the tree, TreeReserves):
//   1. mark the counter exact (if it must stay exact);
//   2. for each thread: lock; set Key = 0 in every slot below the counter; unlock;
//   3. one process-wide memory barrier;
//   4. for each such slot: lock; wait until Busy != 1; give the balance back to the tree; unlock.
//
// Taker of all that one thread holds (TakeAll, for who empties the bins of an idle thread): steps 2 to 4 for one
// thread, under its lock throughout and without a gate. So no other taker sees its slots closed, and what it is asked
// to do meanwhile is done while the owner is in the middle of no spending and cannot bind a slot.
//
// Why it is right (a model checker agrees: tests/Allot.Model.Tests/Reserves).
//   - An owner whose store of Busy was not visible at the barrier reads Key after it, and finds 0. One whose store was
//     visible is waited for; that is two stores away, unless the owner is not running.
//   - Locking every thread in step 2 is a grace period: a charge of the tree that was under way has finished or undone
//     itself, and a later one finds the counter exact and waits at the gate. So what the gate's holder then sees is
//     what is used, and a refusal is true (I2).
//   - Removal of a group needs no grace period. A charge of it that is under way looks again, after all it has written,
//     whether the group is closed, and if so undoes it. So removal locks no thread where no slot is bound; a charge
//     whose second look came before the closing has succeeded before the removal.
//   - A thread that only uncharges binds a slot with the same two looks (TryBindForKeeping), and before it keeps
//     anything there it looks at the key again under its lock.
//   - The surplus of a charge is deposited under the lock that the charge was made under: no byte is ever between tree
//     and slot where a taker cannot find it.
//
// Bytes move between tree and slots, or from slot to slot, in four places: TryChargeAndFill, TryKeepSomewhere, Unbind
// and TryExchange. Each is framed by Begin and End of the tree's ReserveMoves, so that no reader of what is used sees
// the middle of a move (I3). TrySpend and TryKeep move nothing: they change what is used, by one store.
//
// What is held in advance is bounded for the tree (TreeReserves.MaxBytes), not per thread, and shrinks to nothing near
// a limit. A slot is bound only for a counter that has proved busy (WarmthNeeded), so that a thread that passes through
// takes nothing along.
//
// Peaks. Between two visits to the tree the highest use is known by the lowest balance. NotePeaks subtracts the lowest
// balances of all slots, so a peak is never missed; with several slots it can be high, as if all had been at their
// lowest together.
//
// Here: the terms, the state, and the fast path of the owner. Its slow path is in Charging, where a slot is looked for
// and bound in Slots, the taker in Taking, and those who read numbers in Reading.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Allot;

internal sealed unsafe partial class ThreadReserves
{
    [ThreadStatic]
    private static int t_pauses;

    [ThreadStatic]
    private static ThreadReserves? t_own;

    // Under _lock. A slot i is in one of three states:
    //   free:   _counters[i] == null, Key == 0, Balance == 0
    //   bound:  _counters[i] != null, Key == its key
    //   taken:  _counters[i] != null, Key == 0: between steps 2 and 4 of a taker
    private readonly MemoryCounter?[] _counters = new MemoryCounter?[SlotCount];
    private int _lock;   // 1 while held

    // Bit i is set if and only if _counters[i] is not null. Read without the lock by those who read numbers.
    private ulong _used;

    // The memory of the slots, pinned; null until the first is bound. It lives as long as this object, and this object
    // as long as its thread, or the next one that takes it over (ReserveRegistry). Whoever holds a pointer into it and
    // is not that thread keeps this object alive.
    private ReserveSlot[]? _memory;
    private ReserveSlot* _slots;
    private Thread _owner;

    // Owner: whether a slot was given up, perhaps of another tree, that is not settled yet.
    private bool _hasEvicted;

    // ThreadPlaces.Blocks of the owner while its fast path is not paused.
    private nint _blocks;

    internal ThreadReserves(Thread owner) => _owner = owner;

    internal bool IsOf(Thread owner) => _owner == owner;

    internal bool OwnerIsDead => !_owner.IsAlive;

    /// <summary>Charges from the reserve of this thread.</summary>
    /// <returns>False when there is none or it is too small; nothing has changed.</returns>
    public static bool TrySpend(MemoryCounter counter, long bytes) =>
        TrySpendInFirst(ThreadPlaces.Slots, counter, bytes) || TrySpendElsewhere(counter, bytes);

    /// <summary>Uncharges into the reserve of this thread.</summary>
    /// <returns>False when there is none or it is full; nothing has changed.</returns>
    public static bool TryKeep(MemoryCounter counter, long bytes) =>
        TryKeepInFirst(ThreadPlaces.Slots, counter, bytes) || TryKeepElsewhere(counter, bytes);

    /// <summary>Charges from the reserve of this thread where it lies in its first place, as most do; who is told no
    /// asks <see cref="TrySpendElsewhere"/> next.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TrySpendInFirst(nint ownSlots, MemoryCounter counter, long bytes)
    {
        if (ownSlots == 0) return false;
        var slot = (ReserveSlot*)(ownSlots + counter.SlotOffset);
        long key = counter.ReserveKey;
        return slot->Key == key && slot->TrySpend(key, bytes);
    }

    /// <summary>The other way around.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryKeepInFirst(nint ownSlots, MemoryCounter counter, long bytes)
    {
        if (ownSlots == 0) return false;
        var slot = (ReserveSlot*)(ownSlots + counter.SlotOffset);
        long key = counter.ReserveKey;
        return slot->Key == key && slot->TryKeep(key, bytes);
    }

    /// <summary>Charges from the reserve of this thread where it does not lie in its first place.</summary>
    public static bool TrySpendElsewhere(MemoryCounter counter, long bytes)
    {
        if (ThreadPlaces.Slots == 0) return false;
        ReserveSlot* slot = t_own!.FindBoundElsewhere(counter);
        return slot is not null && slot->TrySpend(counter.ReserveKey, bytes);
    }

    /// <summary>The other way around.</summary>
    public static bool TryKeepElsewhere(MemoryCounter counter, long bytes)
    {
        if (ThreadPlaces.Slots == 0) return false;
        ReserveSlot* slot = t_own!.FindBoundElsewhere(counter);
        return slot is not null && slot->TryKeep(counter.ReserveKey, bytes);
    }

    /// <summary>From here on <see cref="ThreadPlaces.Blocks"/> of this thread is an address, for its life.</summary>
    /// <returns>The address of its first slot.</returns>
    public static nint Attach(nint blocks)
    {
        ThreadReserves own = t_own ?? ReserveRegistry.Enlist();
        own.EnsureSlots();
        own._blocks = blocks;
        if (!IsPaused) ThreadPlaces.Blocks = blocks;
        return (nint)own._slots;
    }

    /// <summary>The slot that a handle of this thread should look at first. It stays valid while the thread
    /// lives.</summary>
    public static ReserveSlot* SlotOf(MemoryCounter counter)
    {
        ThreadReserves own = t_own ?? ReserveRegistry.Enlist();
        own.EnsureSlots();
        ReserveSlot* bound = own.FindBound(counter);
        return bound is not null ? bound : own._slots + (counter.SlotOffset / ReserveSlot.SizeInBytes);
    }

    internal void MakeOwn()
    {
        t_own = this;
        if (!IsPaused) ThreadPlaces.Slots = (nint)_slots;
    }

    /// <summary>Whether the fast path of this thread is paused.</summary>
    public static bool IsPaused => t_pauses > 0;

    /// <summary>From here on TrySpend and TryKeep of this thread fail: all its charges come to the slow path. Pauses
    /// nest.</summary>
    public static void PauseFastPath()
    {
        t_pauses++;
        ThreadPlaces.Slots = ThreadPlaces.Blocks = 0;
    }

    public static void ResumeFastPath()
    {
        Debug.Assert(IsPaused, "Who goes on has paused.");
        if (--t_pauses > 0 || t_own is not { } own) return;
        ThreadPlaces.Slots = (nint)own._slots;
        ThreadPlaces.Blocks = own._blocks;
    }

    private void Enter()
    {
        // Not a wait that Thread.Interrupt could end in the middle of a charge.
        SteadySpin spin = default;
        while (Interlocked.CompareExchange(ref _lock, 1, 0) != 0) spin.Once();
    }

    private void Exit() => Volatile.Write(ref _lock, 0);
}
