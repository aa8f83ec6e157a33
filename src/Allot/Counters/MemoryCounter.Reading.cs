// What is used: what is taken here minus what threads hold of it in advance. ReserveMoves.cs says how both are read as
// of one instant; so the number is exact but for charges and uncharges that are made while it is read.

using System.Runtime.CompilerServices;

namespace Allot;

public sealed partial class MemoryCounter
{
    // So often a reader looks for an instant without a move before it makes one, or a peak does without.
    private const int LooksMax = 100;

    /// <summary>The bytes that could be charged now: the smallest distance to a limit from here up to the root, 0 or
    /// more. 0 for a removed or killed group, which takes no charges.</summary>
    /// <remarks>A forecast, not a promise: another thread may take it first.</remarks>
    public long AvailableBytes
    {
        get
        {
            if (_closed || _detached) return 0;
            long available = Whole?.AvailableBytes ?? long.MaxValue;
            for (MemoryCounter? level = this; level is not null; level = level._parent)
            {
                if (Volatile.Read(ref level._room) >= available) continue;
                long used = level.ReadUsed(out long max);
                available = Math.Min(available, max - used);
            }

            return Math.Max(0, available);
        }
    }

    /// <summary>Whether a charge that stands is to be looked at: a level is past its soft limit, or watched.</summary>
    internal bool NeedsLook
    {
        get
        {
            if (Reserves is not { KnowsHigh: true }) return false;
            for (MemoryCounter? level = this; level is not null; level = level._parent)
            {
                if (level._watched) return true;
            }

            return IsPastHigh;
        }
    }

    /// <summary>Whether a level from here to the root stands above its soft limit, with all that threads hold in
    /// advance: then a closer look is due.</summary>
    internal bool IsPastHigh
    {
        get
        {
            if (Reserves is not { KnowsHigh: true }) return false;
            for (MemoryCounter? level = this; level is not null; level = level._parent)
            {
                if (level.HighBytes != long.MaxValue && level.ReadTaken(out _) > level.HighBytes) return true;
            }

            return false;
        }
    }

    /// <summary>What is used above the soft limit of this level; 0 or more.</summary>
    internal long AboveHighBytes
    {
        get
        {
            long high = HighBytes;
            return high == long.MaxValue || _detached ? 0 : Math.Max(0, ReadUsed(out _) - high);
        }
    }

    /// <summary>What is recorded here, also after the group was removed.</summary>
    internal long RecordedBytes => ReadUsed(out _);

    /// <summary>What is used, and the limit.</summary>
    internal long ReadUsed(out long maxBytes) => ReadUsed(out maxBytes, out _);

    private long ReadUsed(out long maxBytes, out long reservedBytes)
    {
        reservedBytes = 0;
        if (Reserves is not { Moves: { } moves }) return ReadTaken(out maxBytes);
        long ended = moves.Ended;
        long used = ReadUsedOnce(out maxBytes, out reservedBytes);
        return moves.NoneSince(ended) ? used : ReadUsedBetweenMoves(moves, out maxBytes, out reservedBytes);
    }

    private long ReadUsedOnce(out long maxBytes, out long reservedBytes)
    {
        long taken = ReadTaken(out maxBytes);
        reservedBytes = HasReserves ? ThreadReserves.ReservedBytes(this) : 0;

        // Other threads may charge and uncharge while their slots are added up: only then it can be below 0.
        return reservedBytes == 0 ? taken : Math.Max(0, taken - reservedBytes);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private long ReadUsedBetweenMoves(ReserveMoves moves, out long maxBytes, out long reservedBytes)
    {
        bool holdsUp = false;
        SteadySpin spin = default;
        try
        {
            for (int looks = 0; ; looks++)
            {
                if (looks == LooksMax)
                {
                    holdsUp = true;
                    moves.HoldUp();
                }

                long ended = moves.Ended;
                long used = ReadUsedOnce(out maxBytes, out reservedBytes);
                if (moves.NoneSince(ended)) return used;
                spin.Once();
            }
        }
        finally
        {
            if (holdsUp) moves.LetGo();
        }
    }
}
