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
// Why it is right (a model checker agrees: tests/Allot.Model.Tests/Reserves).
//   - An owner whose store of Busy was not visible at the barrier reads Key after it, and finds 0. One whose store was
//     visible is waited for; that is two stores away, unless the owner is not running.
//   - Locking every thread in step 2 is a grace period: a charge of the tree that was under way has finished or undone
//     itself, and a later one finds the counter exact and waits at the gate. So what the gate's holder then sees is
//     what is used, and a refusal is true (I2).
//   - Removal of a group needs no grace period. A charge of it that is under way looks again, after all it has written,
//     whether the group is closed, and if so undoes it. So removal locks no thread where no slot is bound; a charge
//     whose second look came before the closing has succeeded before the removal.
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

using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Allot;

internal sealed unsafe class ThreadReserves
{
    // A counter has its slot in one of Ways neighbouring places, tried in order.
    private const int SlotCount = 64;
    private const int Ways = 4;

    // A counter has to come by so often before it gets a slot.
    private const int WarmthNeeded = 8;

    // After so many hits a counter asks for the first of its places.
    private const int HitsBeforeExchange = 64;

    // What a slot may hold at first. It doubles each time that it was too small.
    private const long CapacityAtFirst = 64 << 10;
    private const long CapacityMax = 4 << 20;

    // A reserve is at most this part of the room that is left, and not worth taking below SurplusMin.
    private const int PartOfRoom = 16;
    private const long SurplusMin = 4096;

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

    internal ThreadReserves(Thread owner) => _owner = owner;

    internal bool OwnerIsDead => !_owner.IsAlive;

    /// <summary>Where the slot of a key lies, relative to the first: neighbours in time get different slots.</summary>
    public static int OffsetOf(long key) =>
        (int)(((ulong)key * 0x9E37_79B9_7F4A_7C15) >> (64 - BitOperations.Log2(SlotCount))) * ReserveSlot.SizeInBytes;

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

    /// <summary>The slot that a handle of this thread should look at first. It stays valid while the thread
    /// lives.</summary>
    public static ReserveSlot* SlotOf(MemoryCounter counter)
    {
        ThreadReserves own = t_own ?? ReserveRegistry.Enlist();
        own.EnsureSlots();
        ReserveSlot* bound = own.FindBound(counter);
        return bound is not null ? bound : own._slots + (counter.SlotOffset / ReserveSlot.SizeInBytes);
    }

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
        return charged;
    }

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

    /// <summary>Uncharges the tree; keeps a part as a reserve if this thread has one.</summary>
    /// <param name="counter">The counter that was charged.</param>
    /// <param name="tree">Its tree.</param>
    /// <param name="bytes">More than 0.</param>
    /// <returns>Bytes that were not there to give back.</returns>
    public static long Uncharge(MemoryCounter counter, TreeReserves tree, long bytes)
    {
        if (t_own is { } own && own.TryKeepSomewhere(counter, tree, bytes))
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

    /// <summary>Bytes held in advance that stand on this level.</summary>
    public static long ReservedBytes(MemoryCounter level) => Sum(level, &BalanceOf);

    /// <summary>The part of <see cref="ReservedBytes"/> that was never used since peaks were last noted.</summary>
    public static long NeverUsedBytes(MemoryCounter level) => Sum(level, &LowestOf);

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
                int index = BitOperations.TrailingZeroCount(used);
                TreeReserves tree = _counters[index]!.Reserves!;
                Unbind(index);
                if (tree.IsUnsettled) ReserveRegistry.NoteUnsettled_NeedsGate(tree);
            }

            return true;
        }
        finally
        {
            Exit();
        }
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
        ThreadPlaces.Slots = 0;
    }

    public static void ResumeFastPath()
    {
        Debug.Assert(IsPaused, "Who goes on has paused.");
        if (--t_pauses == 0) ThreadPlaces.Slots = t_own is { } own ? (nint)own._slots : 0;
    }

    /// <summary>Gives everything that this thread holds in advance back to its trees: what a handle remembers is worth
    /// nothing then.</summary>
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
                if (!isTaken) own.Unbind(index);
            }
        }
        finally
        {
            own.Exit();
        }
    }

    private static long BalanceOf(ReserveSlot* slot) => Volatile.Read(ref slot->Balance);

    private static long LowestOf(ReserveSlot* slot) =>
        Math.Min(Volatile.Read(ref slot->Lowest), Volatile.Read(ref slot->Balance));

    private static long Sum(MemoryCounter level, delegate*<ReserveSlot*, long> amount)
    {
        long sum = 0;
        foreach (ThreadReserves one in ReserveRegistry.All)
        {
            for (ulong used = Volatile.Read(ref one._used); used != 0; used &= used - 1)
            {
                int index = BitOperations.TrailingZeroCount(used);
                if (Volatile.Read(ref one._counters[index]) is not { } counter || !counter.IsChargedOn(level)) continue;
                sum += amount(one._slots + index);
            }

            GC.KeepAlive(one);   // the registry may have forgotten it meanwhile, and the slots are its
        }

        return sum;
    }

    private void Enter()
    {
        // Not a wait that Thread.Interrupt could end in the middle of a charge.
        SteadySpin spin = default;
        while (Interlocked.CompareExchange(ref _lock, 1, 0) != 0) spin.Once();
    }

    private void Exit() => Volatile.Write(ref _lock, 0);

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
        if (tree.MaxBytes < CapacityAtFirst || counter.ReserveKey == 0 || room / PartOfRoom < SurplusMin) return null;
        EnsureSlots();
        ReserveSlot* slot = _slots + (counter.SlotOffset / ReserveSlot.SizeInBytes);
        if (slot->Candidate != counter.ReserveKey)
        {
            slot->Candidate = counter.ReserveKey;
            slot->Warmth = 0;
        }

        if (++slot->Warmth < WarmthNeeded) return null;
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
            Unbind((int)(slot - _slots));
            return slot;
        }

        return null;
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
                SteadySpin spin = default;
                while (Volatile.Read(ref slot->Busy) == ReserveSlot.InUse) spin.Once();
                Unbind(index);
            }
        }
        finally
        {
            Exit();
        }
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

    private void EnsureSlots()
    {
        if (_memory is not null) return;
        _memory = GC.AllocateArray<ReserveSlot>(SlotCount + 1, pinned: true);
        nint start = (nint)Unsafe.AsPointer(ref _memory[0]);
        nint aligned = (start + ReserveSlot.SizeInBytes - 1) & ~(nint)(ReserveSlot.SizeInBytes - 1);
        _slots = (ReserveSlot*)aligned;
        if (t_own == this && !IsPaused) ThreadPlaces.Slots = aligned;
    }

    private readonly record struct Want(long Bytes, long Room);
}
