// All reserves of the process: one ThreadReserves for each thread that has ever charged, reused when its thread ends.

namespace Allot;

internal static class ReserveRegistry
{
    private const int LookedAtEachTime = 8;

    private static readonly SteadyLock s_gate = new();

    // Entries are added and never removed or replaced in place.
    private static ThreadReserves[] s_all = new ThreadReserves[16];
    private static int s_count;
    private static int s_lastLookedAt;

    /// <summary>The reserves of every thread there was when this was called. Takes no lock.</summary>
    public static ReadOnlySpan<ThreadReserves> All
    {
        get
        {
            // The count first: the array that is read after it holds at least as many.
            int count = Volatile.Read(ref s_count);
            return Volatile.Read(ref s_all).AsSpan(0, count);
        }
    }

    /// <summary>Gives the calling thread reserves of its own: those of a thread that has ended, or new ones.</summary>
    public static ThreadReserves Enlist()
    {
        ThreadReserves own;
        using (s_gate.EnterScope()) own = FindAbandoned() ?? AddNew();
        own.MakeOwn();

        // Pairs with ThreadReserves.TakeBack_NeedsGate, which marks a counter and then reads the list: either it finds
        // us, or we find the mark.
        Interlocked.MemoryBarrier();
        return own;
    }

    private static ThreadReserves? FindAbandoned()
    {
        // A few at each turn: with thousands of living threads, a new one must not ask them all.
        for (int looked = 0; looked < Math.Min(LookedAtEachTime, s_count); looked++)
        {
            s_lastLookedAt = (s_lastLookedAt + 1) % s_count;
            ThreadReserves one = s_all[s_lastLookedAt];
            if (!one.OwnerIsDead) continue;
            one.Inherit(Thread.CurrentThread);
            return one;
        }

        return null;
    }

    private static ThreadReserves AddNew()
    {
        var added = new ThreadReserves(Thread.CurrentThread);
        if (s_count == s_all.Length)
        {
            var larger = new ThreadReserves[s_all.Length * 2];
            s_all.CopyTo(larger, 0);
            Volatile.Write(ref s_all, larger);
        }

        s_all[s_count] = added;
        Volatile.Write(ref s_count, s_count + 1);
        return added;
    }
}
