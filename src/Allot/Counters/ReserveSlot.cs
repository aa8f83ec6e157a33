// One reserve: bytes that a thread has taken from a counter in advance and has not used yet. The owner spends and
// fills it with plain stores; ThreadReserves.cs has the protocol that lets others take it back.
//
// What its methods rely on: the compiler keeps volatile accesses in the order in which they are written. The
// processor may still read Key before its store of Busy is seen; that is what the process-wide barrier of the taker is
// for. The last store of Busy is a release, and the taker's reading of it an acquire, also on arm64.

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Allot;

[StructLayout(LayoutKind.Sequential, Size = SizeInBytes)]
internal struct ReserveSlot
{
    /// <summary>One cache line: a hit touches only this one, and no other thread writes it.</summary>
    public const int SizeInBytes = 64;

    public const int NotInUse = 0;
    public const int InUse = 1;

    /// <summary>Not in use since the owner has last looked for a slot to give up.</summary>
    public const int Untouched = 2;

    // MemoryCounter.ReserveKey of the counter that the slot is bound to; 0 while nobody may spend from it.
    public long Key;

    // Charged to the tree and not used: 0 <= Balance <= Capacity.
    public long Balance;

    // The most it may hold, and its part of TreeReserves.MaxBytes.
    public long Capacity;

    // min(Lowest, Balance) is the lowest balance since it was last reset: the other side of the highest use.
    public long Lowest;

    // InUse while the owner is between its two stores. Written by the owner alone.
    public int Busy;

    // Owner: how often a counter has wanted this place: Candidate, or the one that is bound here and wants its first.
    // Below 0: how often the thread has uncharged Candidate without ever charging it.
    public int Warmth;
    public long Candidate;

    // The balance when somebody last looked whether the slot is in use.
    public long BalanceSeen;

    /// <summary>Owner: uses bytes of the reserve.</summary>
    /// <param name="key">The counter to charge.</param>
    /// <param name="bytes">Any number; a negative one is never there.</param>
    /// <returns>False when the slot is not bound to the counter or has less.</returns>
    public bool TrySpend(long key, long bytes)
    {
        Volatile.Write(ref Busy, InUse);
        if (Volatile.Read(ref Key) == key)
        {
            long balance = Balance;
            if ((ulong)bytes <= (ulong)balance)
            {
                Volatile.Write(ref Balance, balance - bytes);
                End();
                return true;
            }
        }

        End();
        return false;
    }

    /// <summary>Owner: the same for a block, and stays in use until <see cref="End"/>: what the owner writes in
    /// between, a taker finds written. The size of a block is not below 0 and adds up to no overflow: one comparison is
    /// enough.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryBeginSpend(long key, uint bytes)
    {
        Volatile.Write(ref Busy, InUse);
        if (Volatile.Read(ref Key) == key)
        {
            long left = Balance - bytes;
            if (left >= 0)
            {
                Volatile.Write(ref Balance, left);
                return true;
            }
        }

        End();
        return false;
    }

    /// <summary>Owner: adds bytes that are used no longer to the reserve.</summary>
    /// <param name="key">The counter that was charged.</param>
    /// <param name="bytes">Any number; a negative one never fits.</param>
    /// <returns>False when the slot is not bound to the counter or has no space.</returns>
    public bool TryKeep(long key, long bytes)
    {
        Volatile.Write(ref Busy, InUse);
        if (Volatile.Read(ref Key) == key)
        {
            long balance = Balance;
            if ((ulong)bytes <= (ulong)(Capacity - balance))
            {
                if (balance < Lowest) Lowest = balance;
                Volatile.Write(ref Balance, balance + bytes);
                End();
                return true;
            }
        }

        End();
        return false;
    }

    /// <summary>Owner: the same for a block, and stays in use until <see cref="End"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryBeginKeep(long key, uint bytes)
    {
        Volatile.Write(ref Busy, InUse);
        if (Volatile.Read(ref Key) == key)
        {
            long balance = Balance;
            if (balance < Lowest) Lowest = balance;   // also where it does not fit: it is the lowest all the same
            balance += bytes;
            if (balance <= Capacity)
            {
                Volatile.Write(ref Balance, balance);
                return true;
            }
        }

        End();
        return false;
    }

    /// <summary>Owner: ends what has begun.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void End() => Volatile.Write(ref Busy, NotInUse);
}
