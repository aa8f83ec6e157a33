/*
 * The protocol of the reserves (src/Allot/Counters/ThreadReserves.cs) for the model checker spin: every interleaving of
 * a few threads, with the store buffers of the processor. ReservesModelTests.cs has the configurations (-D) and runs
 * them; each BROKEN_ switch removes one idea of the protocol, and the checker must find the error.
 *
 * Modelled: owners on the fast path (stores to busy, balance and bin wait in a buffer) and on the slow path; slots
 * that an uncharge binds; the gated path with its remote collection; eviction of another group's slot; trimming (a
 * collection without a flag); all that one thread holds taken at once, with its free blocks; a thread that ends, is
 * reaped, and whose block a new thread takes over; a block that appears during a collection; limits raised and lowered,
 * also two at once; removal of a group. Owners choose freely: charge or uncharge (also what another thread has
 * charged), group, 1 or 2 bytes, surplus or not, with or without a block of memory.
 * Checked: I1 in succeed; I2 in tree_charge; I3 and I4 at the end; nothing for a group once its removal has returned,
 * which asks no thread if no slot is bound to it; no balance above its capacity; what an owner writes while busy can be
 * seen by who empties its slot, and no block of memory is lost or in two places; no deadlock. The ghosts pool, held and
 * used know what is true. No loop waits but on a guard, and each thread has a number of operations: without a deadlock
 * everything ends.
 * Not modelled: who reads what is used meanwhile (Interleavings/ReadProtocol.cs); lines of charges that wait, whose
 * mark on a level acts as exact does (Interleavings/WaitingProtocol.cs); two slots of one thread that change places.
 * Bounds: 2 blocks with 1 slot each, 2 owners and 1 heir, 2 groups, 1 to 4 levels, limits of at most 6 bytes, 1 to 4
 * operations for each owner, buffers of 4 to 6 stores, bins of 2 blocks. One slot is enough: slots share nothing but
 * the block's lock.
 * Simplified: a lock is taken only with an empty buffer (an interlocked operation); stores under a lock are seen at
 * once, which nobody can tell, since all who look at them take the lock, or look after the barrier.
 *
 * The code, and what is here:
 *   ReserveSlot.TryBeginSpend, TryBeginKeep, End      charge, uncharge; with HEAP what SlabPath writes in between
 *   ThreadReserves.TryCharge, TryChargeAndFill        charge_slowly, deposit, look_again
 *   ThreadReserves.TryKeepSomewhere                   uncharge_slowly
 *   ThreadReserves.TryBindForKeeping                  bind_for_keeping (BIND)
 *   ThreadReserves.Unbind, FreeSlotNear               empty_slot (EVICT)
 *   TakeBack_NeedsGate, CloseSlots, EmptyClosedSlots  collect; Trim, of TreeReserves too (TRIM)
 *   ReserveRegistry.TryTakeAll, ThreadReserves.TakeAll, SlabAllocator.Empty_NeedsHeapsLock   TakeAll (TAKE_ALL)
 *   ReserveRegistry.Sweep, FindAbandoned, Inherit, ThreadReserves.TryRetire                  Reaper, Heir
 *   TreeReserves.TryChargeExactly, SetMax; ThreadReserves.Close_NeedsGate   gated_charge, SetMax, Remove
 *
 * Is TSO enough for .NET? For x64, yes: each owner has a FIFO of stores and reads its own youngest. For arm64 nearly:
 *   - Volatile.Write(busy, 0) is a store-release and the taker's Volatile.Read(busy) a load-acquire: who sees 0 sees
 *     the balance. With a plain store the bytes are spent twice (BROKEN_PLAIN_BUSY).
 *   - A release orders what is before it only. So a bin, or a balance if that were a plain store, can be seen before
 *     the older busy = 1, which TSO forbids. The model has this too, unless -DTSO: the right protocol is checked with
 *     it, the broken ones without, so that they fail on x64 already.
 *   - busy = 1 before the read of key is store-load: neither instruction set orders it. The process-wide barrier
 *     does: it falls at one point of the owner's program; before the read, and the owner sees key == 0, or after it,
 *     and busy = 1 is visible. But only in the order of the machine code. The memory model of .NET would let a compiler
 *     move Volatile.Read(key) above Volatile.Write(busy, 1) (BROKEN_LATE_BUSY); the JIT keeps volatile accesses in
 *     order, and this protocol relies on that.
 *   - The balance has one writer at a time, is 8 bytes and aligned: it may be read before or after the key.
 *   - On Linux the barrier is membarrier(2) (4.14). Where it is denied the runtime falls back to mprotect, which
 *     interrupts the other processors on x64, but need not on arm64.
 */

#ifndef OPS_0
#define OPS_0 2
#endif
#ifndef OPS_1
#define OPS_1 2
#endif
#ifndef CAP
#define CAP 2          /* most bytes in one slot */
#endif
#ifndef BATCH
#define BATCH 2        /* most bytes taken in advance */
#endif
#ifdef HEAP
#define LARGEST 1
#endif
#ifndef LARGEST
#define LARGEST 2      /* largest charge */
#endif
#ifndef BUFFER
#define BUFFER 4       /* stores that can wait in the store buffer of one thread */
#endif
#ifndef MAX_ROOT
#define MAX_ROOT 3
#endif
#ifndef MAX_GROUP
#define MAX_GROUP 3
#endif

#define BLOCKS 2
#define NONE 255
#define GROUPS 2

/* ---- The tree: which counters a charge to a group walks, in this order. ---- */

#if defined(SHAPE_DEEP)        /* root 0, middle 1, leaves 2 and 3 */
#define LEVELS 4
#define DEPTH(g) 3
#define PATH(g, i) ((i) == 0 -> (g) + 1 : 2 - (i))
#define ON(g, l) ((l) < 2 || (l) == (g) + 1)
#elif defined(SHAPE_KERNEL)    /* memory of the root 0, of the leaf 1, kernel memory of the leaf 2: */
#define LEVELS 3               /* group 1 is the kernel part of the leaf, group 2 its user part */
#define DEPTH(g) (4 - (g))
#define PATH(g, i) (3 - (g) - (i))
#define ON(g, l) ((l) < 2 || (g) == 1)
#elif defined(SHAPE_ONE)       /* one counter, both groups are the same */
#define LEVELS 1
#define DEPTH(g) 1
#define PATH(g, i) 0
#define ON(g, l) 1
#else                          /* root 0, leaves 1 and 2 */
#define LEVELS 3
#define DEPTH(g) 2
#define PATH(g, i) ((i) == 0 -> (g) : 0)
#define ON(g, l) ((l) == 0 || (l) == (g))
#endif

short room[LEVELS];
short max[LEVELS];
bit exact[LEVELS];
bit offline[GROUPS + 1];
bit gate;

/* ---- The blocks, one slot in each. ---- */

#define FREE 0
#define BOUND 1
#define COLLECTING 2

bit listed[BLOCKS];      /* collectors find it */
bit locked[BLOCKS];
bit dead[BLOCKS];
byte key[BLOCKS];        /* the group that the owner may use the slot for; 0 = none */
byte bound[BLOCKS];      /* the group that the balance belongs to, also while Collecting */
bit busy[BLOCKS];
byte balance[BLOCKS];
byte state[BLOCKS];
byte slots[GROUPS + 1];  /* slots that are not free, by group: Remove looks at this alone */
bit registry;            /* the lock of the list of threads: who takes over, or sweeps, what the dead have left */
bit inherited[BLOCKS];   /* the block is a new thread's */

/* ---- HEAP: free blocks of memory. A charge of a byte may take one, an uncharge may give one back. ---- */

#ifdef HEAP
#define AT_HAND 2        /* in the bin of each thread at first */
#define BLOCKS_IN_SPANS 4
#define BIN_SIZE 2
byte bin[BLOCKS];        /* at hand; TakeAll empties the bin of an idle thread */
byte spans;              /* nobody's */
bit heap[BLOCKS];        /* the lock of the bin, for all but the fast path */
#endif

/* ---- Ghosts: what is true, for the assertions only. ---- */

byte pool[GROUPS + 1];   /* bytes charged and not yet uncharged, by group */
short held[LEVELS];      /* the same by level; lower while an uncharge is on its way up */
bit removed[GROUPS + 1]; /* Remove has returned */
byte used;               /* blocks of memory in use */
byte running;

/* ---- Store buffers (TSO; with WEAK also what arm64 adds). ---- */

#define BUSY 0
#define BALANCE 1
#define BIN 2

chan stores[BLOCKS] = [BUFFER] of { byte, byte };
byte pending[BLOCKS];    /* balances in the buffer */
byte newest[BLOCKS];     /* the youngest of them */

#define OWN_BALANCE(t) (pending[t] > 0 -> newest[t] : balance[t])

#ifdef HEAP
byte bins[BLOCKS];       /* the same for the bin */
byte newest_bin[BLOCKS];
#define OWN_BIN(t) (bins[t] > 0 -> newest_bin[t] : bin[t])
#define HAS_WRITTEN(t) (bins[t] == 0)
#else
#define HAS_WRITTEN(t) 1
#endif

inline apply(own, what, value)
{
    if
    :: what == BUSY -> busy[own] = value
#ifdef HEAP
    :: what == BIN -> bin[own] = value; bins[own]--
#endif
    :: else -> balance[own] = value; pending[own]--
    fi;
    what = 0; value = 0
}

proctype StoreBuffer(byte t)
{
    byte what, value;
end:
    do
    :: d_step { stores[t]?what,value -> apply(t, what, value) }
#ifndef TSO
    /* A store-release orders what comes before it, not what comes after: a balance may pass an older busy. */
    :: d_step { stores[t]??[BALANCE,_] -> stores[t]??BALANCE,value -> what = BALANCE; apply(t, what, value) }
#ifdef HEAP
    :: d_step { stores[t]??[BIN,_] -> stores[t]??BIN,value -> what = BIN; apply(t, what, value) }
#endif
#endif
#ifdef BROKEN_PLAIN_BUSY
    :: d_step { stores[t]??[BUSY,_] -> stores[t]??BUSY,value -> what = BUSY; apply(t, what, value) }
#endif
    od
}

/* ---- The tree. ---- */

#ifdef HEAP
#define CHARGED(yes) charged = yes
#else
#define CHARGED(yes) skip
#endif
#define ADD_HELD(g, l, n) held[l] = held[l] + (ON(g, l) -> n : 0)
#define NEVER_ABOVE(g, l) assert(!ON(g, l) || held[l] <= max[l])

/* A charge succeeds: (I1) on no level does what is held pass the limit. */
inline succeed(group, bytes)
{
    ADD_HELD(group, 0, bytes); NEVER_ABOVE(group, 0);
#if LEVELS > 1
    ADD_HELD(group, 1, bytes); NEVER_ABOVE(group, 1);
    ADD_HELD(group, 2, bytes); NEVER_ABOVE(group, 2);
#endif
#if LEVELS > 3
    ADD_HELD(group, 3, bytes); NEVER_ABOVE(group, 3);
#endif
    assert(!removed[group]);
    CHARGED(1);
    pool[group] = pool[group] + bytes
}

/* An uncharge has its effect on all levels at once, because the bytes go into a reserve. */
inline give_back(group, bytes)
{
    ADD_HELD(group, 0, -(bytes));
#if LEVELS > 1
    ADD_HELD(group, 1, -(bytes));
    ADD_HELD(group, 2, -(bytes));
#endif
#if LEVELS > 3
    ADD_HELD(group, 3, -(bytes));
#endif
}

/* amount = n + surplus. Sets failed to the level that refuses, or NONE. */
inline tree_charge(who, total, owed, gated)
{
    i = 0; failed = NONE;
    do
    :: atomic {
        i < DEPTH(who) ->
        if
        :: room[PATH(who, i)] >= total ->
            room[PATH(who, i)] = room[PATH(who, i)] - total;
            i++;
            if
            :: gated && i == DEPTH(who) -> succeed(who, owed)   /* others look again first: look_again */
            :: else
            fi
        :: else ->
            failed = PATH(who, i);
            /* (I2) A refusal that counts: it would not fit beside what is really held. */
            assert(!(gated && exact[failed]) || held[failed] + owed > max[failed]);
            break
        fi }
    :: else -> break
    od;
    do
    :: failed != NONE && i > 0 -> atomic { i--; room[PATH(who, i)] = room[PATH(who, i)] + total }
    :: else -> break
    od;
    i = 0
}

inline tree_uncharge(who, total, owned)
{
    i = 0;
    do
    :: total > 0 && i < DEPTH(who) -> atomic {
        room[PATH(who, i)] = room[PATH(who, i)] + total;
        assert(room[PATH(who, i)] <= max[PATH(who, i)]);
        held[PATH(who, i)] = held[PATH(who, i)] - (owned -> total : 0);
        i++ }
    :: else -> break
    od;
    i = 0
}

/* ---- Collect: the slots under limiter, or, for a removal (limiter == NONE), those of the group leaving. ---- */

#ifdef BROKEN_KERNEL_APART     /* a memory limiter collects memory slots only */
#define UNDER(b) (limiter == 2 -> bound[b] == 1 : bound[b] == 2)
#else
#define UNDER(b) ON(bound[b], limiter)
#endif
#define MEANT(b) (state[b] == BOUND && (limiter != NONE -> UNDER(b) : bound[b] == leaving))

#ifdef BROKEN_LIST_BEFORE_FLAG
#define LISTED(b) known[b]
#else
#define LISTED(b) listed[b]
#endif

inline lock_block(b) { atomic { !locked[b] -> locked[b] = 1 } }
inline unlock_block(b) { locked[b] = 0 }
inline lock_own(own) { atomic { !locked[own] && len(stores[own]) == 0 -> locked[own] = 1 } }

/* One process-wide barrier, as far as a thread sees it. */
inline barrier(t)
{
    d_step {
        do
        :: len(stores[t]) > 0 -> stores[t]?what,value; apply(t, what, value)
        :: else -> break
        od
    }
}

/* Under the lock: the slot gives its balance to the tree. What its owner has begun with it is done, and can be seen. */
inline empty_slot(t)
{
    d_step { assert(HAS_WRITTEN(t)); key[t] = 0; amount = balance[t]; balance[t] = 0 };
    tree_uncharge(bound[t], amount, false);
    d_step { slots[bound[t]]--; state[t] = FREE; bound[t] = 0; amount = 0 }
}

inline collect()
{
    b = 0;
    do
    :: b < BLOCKS && !LISTED(b) -> b++
    :: b < BLOCKS && LISTED(b) ->
#ifdef BROKEN_NO_GRACE
        if
        :: !MEANT(b)
        :: else ->
#endif
        lock_block(b);
        atomic {   /* not d_step: there is a choice */
            if
#ifdef TRIM
            :: limiter == 0 && !exact[0]     /* not idle */
#endif
            :: MEANT(b) -> key[b] = 0; state[b] = COLLECTING; mine[b] = 1
            :: else
            fi;
            unlock_block(b)
        };
#ifdef BROKEN_NO_GRACE
        fi;
#endif
        b++
    :: else -> b = 0; break
    od;
#ifndef BROKEN_NO_BARRIER
    do
    :: b < BLOCKS && (mine[0] || mine[1]) -> barrier(b); b++
    :: else -> b = 0; break
    od;
#endif
    do
    :: b < BLOCKS && mine[b] ->
#ifdef BROKEN_UNLOCKED_SCAN
        if
        :: state[b] != COLLECTING -> mine[b] = 0
        :: else ->
#endif
        atomic { !locked[b] -> locked[b] = 1; mine[b] = 0 };
#ifndef BROKEN_STALE_LIST
        if
        :: state[b] != COLLECTING
        :: else ->
#endif
#ifndef BROKEN_NO_BUSY_WAIT
            !busy[b];
#endif
            empty_slot(b);
#ifndef BROKEN_STALE_LIST
        fi;
#endif
        unlock_block(b);
#ifdef BROKEN_UNLOCKED_SCAN
        fi;
#endif
        b++
    :: b < BLOCKS && !mine[b] -> b++
    :: else -> break
    od;
    b = 0
}

/* ---- Owners. ---- */

inline lower_flags()
{
    d_step {
        exact[0] = 0;
#if LEVELS > 1
        exact[1] = 0; exact[2] = 0;
#endif
#if LEVELS > 3
        exact[3] = 0;
#endif
        limiter = NONE; failed = NONE
    }
}

#if LEVELS > 3
#define FLAG_ON_PATH(g) (exact[0] || (ON(g, 1) && exact[1]) || (ON(g, 2) && exact[2]) || (ON(g, 3) && exact[3]))
#elif LEVELS > 1
#define FLAG_ON_PATH(g) (exact[0] || (ON(g, 1) && exact[1]) || (ON(g, 2) && exact[2]))
#else
#define FLAG_ON_PATH(g) exact[0]
#endif

/* limiter is the level that refused, or NONE when a raised flag led here. */
inline gated_charge(own, group, bytes)
{
    atomic { !gate && len(stores[own]) == 0 -> gate = 1 };
    if
#ifndef BROKEN_NO_RECHECK
    :: offline[group]
#endif
    :: else ->
        do
        :: true ->
            if
            :: limiter != NONE ->
#ifdef BROKEN_LIST_BEFORE_FLAG
                d_step { known[0] = listed[0]; known[1] = listed[1] };
#endif
                exact[limiter] = 1;
                collect()
            :: else
            fi;
            tree_charge(group, bytes, bytes, true);
            if
            :: failed != NONE && !exact[failed] -> limiter = failed
            :: else -> break
            fi
        od
    fi;
    lower_flags();
    gate = 0
}

#define USABLE(t, g) (state[t] == FREE || (state[t] == BOUND && bound[t] == g))

inline deposit(own, group)
{
    d_step {
        assert(amount <= CAP);
#ifndef BROKEN_LATE_COUNT
        slots[group] = slots[group] + (state[own] == FREE -> 1 : 0);
#endif
        key[own] = group; bound[own] = group; state[own] = BOUND;
        balance[own] = balance[own] + amount;
        assert(balance[own] <= CAP);
        amount = 0
    }
}

/* Under the lock, with a full fence after all that was written: either it stands, or the group was closed meanwhile
   and the charge and the slot are undone. */
inline look_again(own, group, bytes)
{
#ifdef BROKEN_NO_SECOND_LOOK
    succeed(group, bytes);
#else
    atomic {
        if
        :: offline[group] -> what = 1
        :: else -> succeed(group, bytes)
        fi
    };
#ifdef BROKEN_LATE_COUNT
    if
    :: state[own] == BOUND && slots[group] == 0 -> slots[group] = 1
    :: else
    fi;
#endif
    if
    :: what == 1 ->
        what = 0;
        tree_uncharge(group, bytes, false);
        if
        :: state[own] == BOUND && bound[own] == group -> empty_slot(own)
        :: else
        fi
    :: else
    fi
#endif
}

inline charge_slowly(own, group, bytes)
{
    lock_own(own);
    if
#ifndef BROKEN_NO_EXACT
    :: FLAG_ON_PATH(group) -> unlock_block(own); gated_charge(own, group, bytes)
#endif
    :: offline[group] -> unlock_block(own)
    :: else ->
#ifdef EVICT
        if   /* a slot of another group: its balance returns, then the slot is free */
        :: state[own] == BOUND && bound[own] != group -> empty_slot(own)
        :: else
        fi;
#endif
        if
#ifdef BROKEN_DEPOSIT_WHILE_COLLECTING
        :: balance[own] + BATCH <= CAP -> amount = BATCH
#else
        :: USABLE(own, group) && balance[own] + BATCH <= CAP -> amount = BATCH
#endif
        :: true -> amount = 0
        fi;
        tree_charge(group, (bytes + amount), bytes, false);
        if
        :: failed != NONE && amount > 0 -> amount = 0; tree_charge(group, bytes, bytes, false)
        :: else
        fi;
        if
        :: failed != NONE ->
            limiter = failed;
#ifdef BROKEN_GATE_UNDER_LOCK
            gated_charge(own, group, bytes);
            unlock_block(own)
#else
            unlock_block(own);
            gated_charge(own, group, bytes)
#endif
        :: else ->
#ifdef BROKEN_LATE_DEPOSIT
            unlock_block(own);
#endif
            if
#ifdef BROKEN_DEPOSIT_WHILE_COLLECTING
            :: amount > 0 -> deposit(own, group)
#else
            :: amount > 0 || USABLE(own, group) -> deposit(own, group)
#endif
            :: else
            fi;
            look_again(own, group, bytes);
#ifndef BROKEN_LATE_DEPOSIT
            unlock_block(own)
#endif
        fi
    fi
}

/* ---- The fast path. With HEAP, what is written between the two stores of busy is a block taken or given as well, and
   what is done by the slow path is done under the lock of the bin. ---- */

#ifdef HEAP
#define MAY_TAKE(t) (!block || OWN_BIN(t) > 0)
#define MAY_GIVE(t) (!block || OWN_BIN(t) < BIN_SIZE)

inline lock_heap(t) { atomic { !heap[t] -> heap[t] = 1 } }
inline lock_own_heap(t) { atomic { !heap[t] && len(stores[t]) == 0 -> heap[t] = 1 } }

inline move_block(own, change)
{
    atomic { len(stores[own]) < BUFFER ->
        newest_bin[own] = OWN_BIN(own) + change;
        stores[own]!BIN,(newest_bin[own]);
        bins[own]++ }
}

inline take_block(own)
{
    lock_own_heap(own);
    d_step {
        assert(bin[own] + spans > 0);
        spans = spans - (bin[own] > 0 -> 0 : 1);
        bin[own] = bin[own] - (bin[own] > 0 -> 1 : 0);
        used++
    };
    heap[own] = 0
}

inline put_block(own)
{
    lock_own_heap(own);
    d_step {
        spans = spans + (bin[own] < BIN_SIZE -> 0 : 1);
        bin[own] = bin[own] + (bin[own] < BIN_SIZE -> 1 : 0)
    };
    heap[own] = 0
}
#else
#define MAY_TAKE(t) 1
#define MAY_GIVE(t) 1
#endif

inline charge(own, group, bytes)
{
    if
    :: MAY_TAKE(own) ->
#ifndef BROKEN_LATE_BUSY
        stores[own]!BUSY,1;
#endif
        if
        :: key[own] == group ->
#ifdef BROKEN_LATE_BUSY
            stores[own]!BUSY,1;
#endif
            amount = OWN_BALANCE(own);
            if
            :: amount >= bytes ->
                atomic { len(stores[own]) < BUFFER ->
                    stores[own]!BALANCE,(amount - bytes); pending[own]++; newest[own] = amount - bytes;
                    amount = 0; what = 1;
                    succeed(group, bytes) };
#ifdef BROKEN_EARLY_END
                stores[own]!BUSY,0;
#endif
#ifdef HEAP
                if
                :: block -> move_block(own, -1); used++
                :: else
                fi
#endif
            :: else -> amount = 0
            fi;
            stores[own]!BUSY,0
        :: else ->
#ifndef BROKEN_LATE_BUSY
            stores[own]!BUSY,0
#endif
        fi
    :: else
    fi;
    if
    :: what == 1 -> what = 0
    :: else ->
        charge_slowly(own, group, bytes);
#ifdef HEAP
        if
        :: block && charged -> take_block(own)
        :: else
        fi
#endif
    fi;
    CHARGED(0)
}

#ifdef BROKEN_BIND_NO_EXACT
#define SEES_FLAG(g) 0
#else
#define SEES_FLAG(g) FLAG_ON_PATH(g)
#endif

/* TryBindForKeeping: what = 1 if the slot is the group's now. */
inline bind_for_keeping(own, group)
{
    lock_own(own);
#ifdef EVICT
    if
    :: state[own] == BOUND && bound[own] != group -> empty_slot(own)
    :: else
    fi;
#endif
    if
    :: state[own] == FREE && !offline[group] && !SEES_FLAG(group) ->
        d_step { slots[group]++; key[own] = group; bound[own] = group; state[own] = BOUND };
#ifndef BROKEN_BIND_NO_SECOND_LOOK
        if
        :: offline[group] -> empty_slot(own)
        :: else -> what = 1
        fi
#else
        what = 1
#endif
    :: state[own] == FREE      /* not often enough */
    :: state[own] != FREE
    fi;
    unlock_block(own)
}

inline uncharge_slowly(own, group, bytes)
{
    if
    :: key[own] == group -> what = 1
    :: else ->
#ifdef BIND
        bind_for_keeping(own, group)
#endif
    fi;
    if
    :: what == 1 ->   /* TryKeepSomewhere: the slot can have been taken since it was found */
        lock_own(own);
        if
#ifndef BROKEN_KEEP_BLINDLY
        :: key[own] != group -> what = 0
#endif
        :: else ->
            d_step {
                give_back(group, bytes);
                amount = balance[own] + bytes;
                balance[own] = (amount <= CAP / 2 -> amount : CAP / 2);
                amount = amount - balance[own]
            };
            tree_uncharge(group, amount, false);
            amount = 0
        fi;
        unlock_block(own)
    :: else
    fi;
    if
    :: what == 0 -> tree_uncharge(group, bytes, true)
    :: else -> what = 0
    fi
}

/* n bytes of the pool are the caller's own by now. */
inline uncharge(own, group, bytes)
{
    if
    :: MAY_GIVE(own) ->
        stores[own]!BUSY,1;
        if
        :: key[own] == group ->
            amount = OWN_BALANCE(own);
            if
            :: amount + bytes <= CAP ->
                atomic { len(stores[own]) < BUFFER ->
                    stores[own]!BALANCE,(amount + bytes); pending[own]++; newest[own] = amount + bytes;
                    amount = 0; what = 1;
                    give_back(group, bytes) };
#ifdef HEAP
                if
                :: block -> move_block(own, 1)
                :: else
                fi
#endif
            :: else -> amount = 0
            fi
        :: else
        fi;
        stores[own]!BUSY,0
    :: else
    fi;
    if
    :: what == 1 -> what = 0
    :: else ->
        uncharge_slowly(own, group, bytes);
#ifdef HEAP
        if
        :: block -> put_block(own)
        :: else
        fi
#endif
    fi
}

/* The balances of a block whose owner is dead. Under its lock. */
inline take_from_the_dead(own)
{
    d_step { key[own] = 0; amount = balance[own]; balance[own] = 0 };
#ifdef BROKEN_FREE_FIRST
    state[own] = FREE;
#endif
    if
    :: state[own] != FREE || amount > 0 -> tree_uncharge(bound[own], amount, false)
    :: else
    fi;
    d_step {
        slots[bound[own]] = slots[bound[own]] - (state[own] != FREE -> 1 : 0);
        state[own] = FREE; bound[own] = 0; amount = 0
    }
}

#define LOCALS \
    byte i, b, what, value, limiter = NONE, failed = NONE, leaving, amount; \
    bit mine[BLOCKS], known[BLOCKS], charged

#ifdef BOTH_SERVE_BOTH
#define GROUPS_OF(t, g) 1
#else
#define GROUPS_OF(t, g) ((t) + 1 == (g))
#endif

/* What a thread does: ops times charge or uncharge, a group, an amount: all choices. It may uncharge what another one
   has charged. */

inline work(t)
{
    do
    :: ops > 0 ->
        if
        :: d_step { GROUPS_OF(t, 1) -> g = 1; n = 1 }
        :: d_step { GROUPS_OF(t, 2) -> g = 2; n = 1 }
        :: d_step { pool[1] > 0 -> g = 1; n = 1; pool[1] = pool[1] - 1; back = 1 }
        :: d_step { pool[2] > 0 -> g = 2; n = 1; pool[2] = pool[2] - 1; back = 1 }
#if LARGEST > 1
        :: d_step { GROUPS_OF(t, 1) -> g = 1; n = 2 }
        :: d_step { GROUPS_OF(t, 2) -> g = 2; n = 2 }
        :: d_step { pool[1] > 1 -> g = 1; n = 2; pool[1] = pool[1] - 2; back = 1 }
        :: d_step { pool[2] > 1 -> g = 2; n = 2; pool[2] = pool[2] - 2; back = 1 }
#endif
        fi;
#ifdef HEAP
        if
        :: d_step { back && used > 0 -> block = 1; used-- }
        :: !back -> block = 1
        :: block = 0
        fi;
#endif
        if
        :: back -> uncharge(t, g, n)
        :: else -> charge(t, g, n)
        fi;
        d_step { g = 0; n = 0; back = 0; block = 0; ops-- }
    :: else -> break
    od
}

proctype Owner(byte t; byte ops)
{
    LOCALS;
    byte g, n;
    bit back, block;
#ifdef LATE_BLOCK
    listed[t] = 1;
#endif
    work(t);
    atomic { len(stores[t]) == 0 -> dead[t] = 1; running-- }
}

/* ---- What the dead leave. Who is dead stays so while the list is locked. ---- */

inline lock_registry() { atomic { !registry -> registry = 1 } }

/* A new thread that finds block t without an owner and takes it over. */
#if defined(OPS_HEIR)
proctype Heir(byte t; byte ops)
{
    LOCALS;
    byte g, n;
    bit back, block;
    dead[t];
    lock_registry();
    lock_block(t);
    take_from_the_dead(t);
    unlock_block(t);
    d_step { dead[t] = 0; inherited[t] = 1 };
    registry = 0;
    work(t);
    atomic { len(stores[t]) == 0 -> dead[t] = 1; running-- }
}
#endif

/* Somebody who passes by and finds an owner dead. */
#if defined(REAPER)
proctype Reaper(byte t)
{
    LOCALS;
    dead[t];
#ifndef BROKEN_REAP_UNLISTED
    lock_registry();
#endif
    if
    :: dead[t] ->
        lock_block(t);
        take_from_the_dead(t);
        assert(balance[t] == 0);
        unlock_block(t)
    :: else
    fi;
#ifndef BROKEN_REAP_UNLISTED
    registry = 0;
#endif
    running--
}
#endif

/* ---- All that one thread holds, while it may be at work: for the reserves alone, or for the bin as well. ---- */

#if defined(TAKE_ALL)
proctype TakeAll(byte t)
{
    LOCALS;
#ifdef HEAP
    lock_heap(t);
#endif
    lock_block(t);
    if
    :: inherited[t]
    :: else ->
        d_step {
            key[t] = 0;
            state[t] = (state[t] == BOUND -> COLLECTING : state[t])
        };
#ifndef BROKEN_TAKE_NO_BARRIER
        barrier(t);
#endif
        if
        :: state[t] != FREE ->
#ifndef BROKEN_TAKE_NO_WAIT
            !busy[t];
#endif
            empty_slot(t)
        :: else
        fi;
#ifdef HEAP
#ifdef BROKEN_TAKE_AFTERWARDS
        unlock_block(t);
#endif
        amount = bin[t];
        bin[t] = 0;
        spans = spans + amount;
        amount = 0
#endif
    fi;
#ifndef BROKEN_TAKE_AFTERWARDS
    unlock_block(t);
#endif
#ifdef HEAP
    heap[t] = 0;
#endif
    running--
}
#endif

/* ---- Limits. ---- */

inline change_limit(level, limit)
{
    room[level] = room[level] + limit - max[level];
    max[level] = limit
}

#if defined(SETMAX_A)
proctype SetMax(byte level; byte limit)
{
    LOCALS;
#ifdef BROKEN_STALE_DIRECTION
    if
    :: limit >= max[level] -> atomic { !gate -> gate = 1 }; d_step { change_limit(level, limit) }; gate = 0
    :: else ->
        atomic { !gate -> gate = 1 };
#else
    atomic { !gate -> gate = 1 };
    if
    :: limit >= max[level] -> d_step { change_limit(level, limit) }; gate = 0
    :: else ->
#endif
#ifndef BROKEN_LOWER_NO_EXACT
        exact[level] = 1;
#endif
        limiter = level;
#ifndef BROKEN_LOWER_NO_COLLECT
        collect();
#endif
        d_step { change_limit(level, limit) };
        lower_flags();
        gate = 0
    fi;
    running--
}
#endif

/* ---- Trimming: a collection of whatever lies idle (any choice), without a flag. ---- */

#ifdef TRIM
proctype Trim()
{
    LOCALS;
    atomic { !gate -> gate = 1; limiter = 0 };
    collect();
    atomic { limiter = NONE; gate = 0; running-- }
}
#endif

/* ---- Removal. ---- */

#if defined(REMOVE)
proctype Remove(byte g)
{
    LOCALS;
    atomic { !gate -> gate = 1; leaving = g };
    offline[g] = 1;
    if
    :: slots[g] == 0 -> removed[g] = 1
    :: else ->
#ifndef BROKEN_REMOVE_NO_COLLECT
        collect();
#endif
        d_step {
            removed[g] = 1;
            assert(state[0] == FREE || bound[0] != g);
            assert(state[1] == FREE || bound[1] != g)
        }
    fi;
    gate = 0;
    running--
}
#endif

/* ---- The end: nobody runs, all buffers are empty. (I3, I4) ---- */

#define RESERVED(b, l) (state[b] == BOUND && ON(bound[b], l) -> balance[b] : 0)
#define POOLED(g, l) (ON(g, l) -> pool[g] : 0)

inline level_adds_up(l)
{
    assert(held[l] == POOLED(1, l) + POOLED(2, l));
    assert(max[l] - room[l] == held[l] + RESERVED(0, l) + RESERVED(1, l));
    assert(!exact[l])
}

inline block_is_quiet(b)
{
    assert(!locked[b] && !busy[b] && state[b] != COLLECTING);
#ifdef HEAP
    assert(!heap[b] && HAS_WRITTEN(b));
#endif
    assert(state[b] == BOUND || balance[b] == 0);
    assert(slots[1] == (state[0] == BOUND && bound[0] == 1) + (state[1] == BOUND && bound[1] == 1));
    assert(slots[2] == (state[0] == BOUND && bound[0] == 2) + (state[1] == BOUND && bound[1] == 2));
    assert(key[b] == (state[b] == BOUND -> bound[b] : 0));
    assert(!removed[bound[b]])
}

init
{
    atomic {
        room[0] = MAX_ROOT; max[0] = MAX_ROOT;
#if LEVELS > 1
        room[1] = MAX_GROUP; max[1] = MAX_GROUP;
        room[2] = MAX_GROUP; max[2] = MAX_GROUP;
#endif
#if LEVELS > 3
        room[3] = MAX_GROUP; max[3] = MAX_GROUP;
#endif
        listed[0] = 1;
#ifndef LATE_BLOCK
        listed[1] = 1;
#endif
#ifdef HEAP
        bin[0] = AT_HAND; bin[1] = AT_HAND; spans = BLOCKS_IN_SPANS;
#endif
        run StoreBuffer(0);
        run StoreBuffer(1);
        running = 2;
        run Owner(0, OPS_0);
        run Owner(1, OPS_1);
#ifdef OPS_HEIR
        running++; run Heir(0, OPS_HEIR);
#endif
#ifdef REAPER
        running++; run Reaper(0);
#endif
#ifdef TAKE_ALL
        running++; run TakeAll(0);
#endif
#ifdef SETMAX_A
        running++; run SetMax(SETMAX_A);
#endif
#ifdef SETMAX_B
        running++; run SetMax(SETMAX_B);
#endif
#ifdef TRIM
        running++; run Trim();
#endif
#ifdef REMOVE
        running++; run Remove(1);
#endif
    };
    d_step {
        running == 0 ->
        block_is_quiet(0);
        block_is_quiet(1);
        assert(!gate && !registry);
#ifdef HEAP
        assert(bin[0] + bin[1] + spans + used == 2 * AT_HAND + BLOCKS_IN_SPANS);
#endif
        level_adds_up(0);
#if LEVELS > 1
        level_adds_up(1);
        level_adds_up(2);
#endif
#if LEVELS > 3
        level_adds_up(3);
#endif
    }
}
