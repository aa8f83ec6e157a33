// All reserves of the process: one ThreadReserves for each living thread that has charged. What threads leave that have
// ended is given back to its trees, and taken over by a new thread or removed from the list:
//   - a new thread looks at a few entries in turn, takes over one, and sweeps them all when most are dead: however many
//     come and go, the list stays near the number of those that live;
//   - whoever looks for idle reserves of a tree (TreeReserves.Trim) sweeps it;
//   - the garbage collector tells of threads that ended while nobody did either (ThreadEnd).
//
// What that leaves to do in a tree, to report an uncharge too much for one, is done after leaving the gate (Settle):
// that runs foreign code, so the garbage collector has a thread of the pool do it.
//
// Readers take no lock: they see a list that once was complete. An entry that was removed meanwhile is empty by then,
// and is never used again.

using System.Collections.Concurrent;

namespace Allot;

internal static class ReserveRegistry
{
    private const int LookedAtEachTime = 8;
    private const int CapacityMin = 16;

    private static readonly SteadyLock s_gate = new();

    // Under the gate, read without. Entries are added at the end; whoever removes some makes a new list.
    private static List s_list = new(CapacityMin);
    private static int s_lastLookedAt;

    // Trees with something left to do. Added to under the lock of a thread's reserves, taken from without locks.
    private static readonly ConcurrentQueue<TreeReserves> s_unsettled = new();

    /// <summary>The reserves of every thread there was when this was called. Takes no lock.</summary>
    public static ReadOnlySpan<ThreadReserves> All => Volatile.Read(ref s_list).Entries;

    /// <summary>Gives the calling thread reserves of its own: those of a thread that has ended, or new ones.</summary>
    public static ThreadReserves Enlist()
    {
        ThreadReserves own;
        using (s_gate.EnterScope()) own = FindAbandoned_NeedsGate() ?? AddNew_NeedsGate();
        Settle();
        own.MakeOwn();
        ThreadEnd.Watch();

        // Pairs with ThreadReserves.TakeBack_NeedsGate, which marks a counter and then reads the list: either it finds
        // us, or we find the mark.
        Interlocked.MemoryBarrier();
        return own;
    }

    /// <summary>Gives back what ended threads held, and forgets them. Called without the gate of a tree.</summary>
    public static void Sweep()
    {
        using (s_gate.EnterScope()) Sweep_NeedsGate();
        Settle();
    }

    /// <summary>Takes back all that one thread holds, and does something before it can hold anything again.</summary>
    /// <param name="owner">The thread; it may be at work.</param>
    /// <param name="whileStopped">Short, and takes no lock of a tree.</param>
    /// <returns>False when the thread has never held anything; nothing was done.</returns>
    public static bool TryTakeAll(Thread owner, Action whileStopped)
    {
        foreach (ThreadReserves one in All)
        {
            if (!one.IsOf(owner)) continue;
            one.TakeAll(owner, whileStopped);
            Settle();
            return true;
        }

        return false;
    }

    /// <summary>Notes that something is left to do in a tree, for who calls <see cref="Settle"/> soon.</summary>
    public static void NoteUnsettled(TreeReserves tree) => s_unsettled.Enqueue(tree);

    /// <summary>Does what is left to do in the trees that were noted. Called without locks.</summary>
    public static void Settle()
    {
        while (s_unsettled.TryDequeue(out TreeReserves? tree)) tree.Settle();
    }

    private static void SweepFromFinalizer()
    {
        using (s_gate.EnterScope()) Sweep_NeedsGate();
        if (s_unsettled.IsEmpty) return;
        ThreadPool.UnsafeQueueUserWorkItem(static _ => Settle(), state: null);
    }

    private static void Sweep_NeedsGate()
    {
        ReadOnlySpan<ThreadReserves> all = s_list.Entries;
        int dead = 0;
        foreach (ThreadReserves one in all) dead += one.OwnerIsDead ? 1 : 0;
        if (dead == 0) return;

        var living = new List(Math.Max(CapacityMin, all.Length - dead));
        foreach (ThreadReserves one in all)
        {
            // First emptied, then out of the list: a taker waits for its lock, or has nothing to look for.
            if (!one.TryRetire()) living.Add(one);
        }

        Volatile.Write(ref s_list, living);
    }

    private static ThreadReserves? FindAbandoned_NeedsGate()
    {
        // A few at each turn: with thousands of living threads, a new one must not ask them all.
        ReadOnlySpan<ThreadReserves> all = s_list.Entries;
        int looked = Math.Min(LookedAtEachTime, all.Length), dead = 0;
        ThreadReserves? found = null;
        for (int i = 0; i < looked; i++)
        {
            s_lastLookedAt = (s_lastLookedAt + 1) % all.Length;
            ThreadReserves one = all[s_lastLookedAt];
            if (!one.OwnerIsDead) continue;
            found ??= one;
            dead++;
        }

        found?.Inherit(Thread.CurrentThread);
        if (dead > looked / 2) Sweep_NeedsGate();   // most are dead: worth asking them all
        return found;
    }

    private static ThreadReserves AddNew_NeedsGate()
    {
        var added = new ThreadReserves(Thread.CurrentThread);
        List list = s_list.IsFull ? new List(s_list) : s_list;
        list.Add(added);
        Volatile.Write(ref s_list, list);
        return added;
    }

    // Entries are added by the holder of the gate, and read by anybody: the count is written last and read first.
    private sealed class List
    {
        private readonly ThreadReserves[] _entries;
        private int _count;

        public List(int capacity) => _entries = new ThreadReserves[capacity];

        public List(List full)
            : this(full._count * 2)
        {
            full._entries.CopyTo(_entries, 0);
            _count = full._count;
        }

        public bool IsFull => _count == _entries.Length;

        public ReadOnlySpan<ThreadReserves> Entries
        {
            get
            {
                int count = Volatile.Read(ref _count);
                return _entries.AsSpan(0, count);
            }
        }

        public void Add(ThreadReserves added)
        {
            _entries[_count] = added;
            Volatile.Write(ref _count, _count + 1);
        }
    }

    // Only its thread refers to it, so it is collected when that has ended.
    private sealed class ThreadEnd
    {
        [ThreadStatic]
        private static ThreadEnd? t_own;

        ~ThreadEnd() => SweepFromFinalizer();

        public static void Watch() => t_own ??= new ThreadEnd();
    }
}
