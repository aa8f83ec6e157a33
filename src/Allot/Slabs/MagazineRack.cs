// Where the threads of a class pass full magazines for empty ones: each time by one atomic exchange, without a lock.
//
// A rack has a few *places*, each one word: nothing (0), an empty magazine, or a full one (FullMark). The *keeper* is
// who holds the lock of the class.
//   - Who has a full magazine puts it in the place of an empty one and has that (TryBring). Who needs blocks puts an
//     empty magazine, or nothing, in the place of a full one and has that (TryTake). Who finds none goes to the lock.
//   - Only the keeper puts a magazine where nothing is, takes one for nothing, or marks one as seen.
// Why it is right:
//   - A magazine is of who got it by a swap that succeeded: one does. The swap is a full fence, so what was written
//     into the magazine before is seen by who has it next. Only the keeper, who alone frees magazines, looks into one
//     that lies here: it may see what the next one does with it, and takes that for an old answer.
//   - A word that has changed and is as it was (ABA) says the same again: a full magazine lies here, or an empty one.
//     What is in it is read after the swap.
//   - When the keeper has taken all that lies here, nothing comes until it leaves the lock: there is no empty magazine
//     to put a full one in the place of. So a class is closed in one step, without a word for that.
// Every interleaving of a few threads: tests/Allot.Model.Tests/Slabs/rack.pml. The rendezvous is that of an exchanger
// (W. Scherer, D. Lea, M. Scott, A Scalable Elimination-based Exchange Channel, 2005). What differs: nobody waits for
// a partner, the word keeps what was brought.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Allot;

internal sealed unsafe class MagazineRack
{
    /// <summary>Few, so that who comes looks at one cache line.</summary>
    public const int Places = 4;

    private const int LineWords = 8;

    // A magazine is aligned to more than that. SeenMark: it lay here when RemoveIdle_NeedsLock came by last; a swap
    // takes the mark along.
    private const nint FullMark = 1, SeenMark = 2, Marks = FullMark | SeenMark;

    private Words _words;

    public static bool IsFull(nint word) => (word & FullMark) != 0;

    /// <summary>Null where there is nothing.</summary>
    public static ulong* MagazineOf(nint word) => (ulong*)(word & ~Marks);

    /// <summary>Brings a full magazine in exchange for an empty one.</summary>
    /// <returns>Null when no empty one lies here; nothing has changed.</returns>
    public ulong* TryBring(ulong* full)
    {
        for (int i = 0; i < Places; i++)
        {
            nint word = Read(i);
            if (word != 0 && !IsFull(word) && TrySwap(i, word, (nint)full | FullMark)) return MagazineOf(word);
        }

        return null;
    }

    /// <summary>Takes a full magazine in exchange for an empty one.</summary>
    /// <param name="empty">Null for none.</param>
    /// <returns>Null when no full one lies here; nothing has changed.</returns>
    public ulong* TryTake(ulong* empty)
    {
        for (int i = 0; i < Places; i++)
        {
            nint word = Read(i);
            if (IsFull(word) && TrySwap(i, word, (nint)empty)) return MagazineOf(word);
        }

        return null;
    }

    /// <summary>Puts a full magazine where nothing is.</summary>
    /// <param name="full">The magazine.</param>
    /// <param name="places">How many places it may be put in.</param>
    public void Put_NeedsLock(ulong* full, int places)
    {
        Debug.Assert(HasRoom_NeedsLock(places), "There is a place for it.");
        int at = 0;
        while (Read(at) != 0) at++;
        nint was = Interlocked.Exchange(ref _words[LineWords + at], (nint)full | FullMark);
        Debug.Assert(was == 0, "Only the keeper puts a magazine where nothing is.");
    }

    /// <summary>Whether nothing is in one of the first places. That stays so until the keeper puts a magazine there.
    /// </summary>
    public bool HasRoom_NeedsLock(int places)
    {
        for (int i = 0; i < places; i++)
        {
            if (Read(i) == 0) return true;
        }

        return false;
    }

    /// <summary>What lies in a place, now.</summary>
    public nint Read(int place)
    {
        Debug.Assert(place is >= 0 and < Places, "The words around the places keep the line free of others.");
        return Volatile.Read(ref _words[LineWords + place]);
    }

    /// <summary>Takes what lies in a place, and leaves nothing.</summary>
    /// <returns>It; 0 where nothing lay there.</returns>
    public nint Remove_NeedsLock(int place) => Interlocked.Exchange(ref _words[LineWords + place], 0);

    /// <summary>Takes what nobody has needed since the last call for that place.</summary>
    /// <returns>It; 0 for nothing.</returns>
    public nint RemoveIdle_NeedsLock(int place)
    {
        nint word = Read(place);
        if ((word & SeenMark) != 0) return TryRemove_NeedsLock(place, word) ? word : 0;
        if (word != 0) _ = TrySwap(place, word, word | SeenMark);
        return 0;
    }

    /// <summary>Takes what was read in a place, and leaves nothing.</summary>
    /// <returns>False when it lies there no longer; nothing has changed.</returns>
    public bool TryRemove_NeedsLock(int place, nint word) => TrySwap(place, word, 0);

    /// <summary>How many full magazines lie here. Who brings one meanwhile and takes another may be counted twice, or
    /// not at all.</summary>
    public int CountFull()
    {
        int full = 0;
        for (int i = 0; i < Places; i++) full += IsFull(Read(i)) ? 1 : 0;
        return full;
    }

    /// <summary>Whether nothing lies here.</summary>
    public bool IsEmpty
    {
        get
        {
            bool isEmpty = true;
            for (int i = 0; i < Places; i++) isEmpty &= Read(i) == 0;
            return isEmpty;
        }
    }

    private bool TrySwap(int place, nint from, nint to)
    {
        Debug.Assert(MagazineOf(from) != null, "What is swapped is a magazine.");
        return Interlocked.CompareExchange(ref _words[LineWords + place], to, from) == from;
    }

    // A line before and behind what is used, so that it shares none with anything else.
    [InlineArray((2 * LineWords) + Places)]
    private struct Words
    {
        private nint _first;
    }
}
