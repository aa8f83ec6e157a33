// How to read what is used while bytes move between a tree and the slots of threads.
//
// Used is a difference of two places: what a counter has taken, minus the balances of the slots below it. A move
// changes both, or which slot a balance lies in, and leaves the difference as it is. But who reads one place before a
// move and the other after it reads what never was true, too much or too little.
//
//   mover    Begin, change both places, End     every place of ThreadReserves where bytes move
//   reader   ended = Ended; read both places; accept them if NoneSince(ended)
//
// Invariant: _ended <= _begun, both only grow, and between End and the next Begin no byte is on its way.
// Why a reading that is accepted is right: _begun, read last, is equal to _ended, read first. So they were equal at all
// times between: no move was under way when the reader began, and none began before it was done. (To compare one count
// before and after is not enough: a move counted at its end can lie around the whole reading.) The writes of a mover
// are between the full fences of Begin and End; the reads of a reader are acquires, and ordered with its two counts.
//
// Nobody starves. A mover is inside for a few instructions per level, without a lock and without reading what is used.
// A reader that has looked in vain for too long holds new moves up until it has read once (HoldUp); a mover that finds
// that out withdraws before it has moved anything, and marks nothing while it waits: its marks would disturb the very
// reading that it waits for. Both sides have a full fence between their mark and their (second) look.

using System.Diagnostics;

namespace Allot;

internal sealed class ReserveMoves
{
    private long _begun;
    private long _ended;

    // Readers that hold moves up.
    private int _readersFirst;

    /// <summary>Moves that have ended. A reader asks for this first.</summary>
    public long Ended => Volatile.Read(ref _ended);

    /// <summary>Whether no move was under way, nor began, since a reader has asked for <see cref="Ended"/>.</summary>
    public bool NoneSince(long ended) => Volatile.Read(ref _begun) == ended;

    /// <summary>A move begins. The caller holds no other move, and does not read what is used before its end.</summary>
    public void Begin()
    {
        SteadySpin spin = default;
        while (!TryBegin()) spin.Once();
    }

    /// <summary>The same without waiting, for who has another move under way.</summary>
    /// <returns>False while a reader holds moves up.</returns>
    public bool TryBegin()
    {
        if (Volatile.Read(ref _readersFirst) != 0) return false;
        Interlocked.Increment(ref _begun);
        if (Volatile.Read(ref _readersFirst) == 0) return true;
        End();
        return false;
    }

    public void End()
    {
        long ended = Interlocked.Increment(ref _ended);
        Debug.Assert(ended <= Volatile.Read(ref _begun), "What ends has begun.");
    }

    /// <summary>Lets no further move begin, until <see cref="LetGo"/>.</summary>
    public void HoldUp() => Interlocked.Increment(ref _readersFirst);

    public void LetGo()
    {
        int left = Interlocked.Decrement(ref _readersFirst);
        Debug.Assert(left >= 0, "Who lets go has held up.");
    }
}
