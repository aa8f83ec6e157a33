// Where the counter stands: the levels that are charged together with it, and what is asked of all of them.

using System.Diagnostics;

namespace Allot;

public sealed partial class MemoryCounter
{
    /// <summary>Every level that is charged together with this one: from here up, then the whole from there up.
    /// </summary>
    internal IEnumerable<MemoryCounter> Path
    {
        get
        {
            for (MemoryCounter? level = this; level is not null; level = level._parent) yield return level;
            for (MemoryCounter? level = Whole; level is not null; level = level._parent) yield return level;
        }
    }

    /// <summary>The counter at the root of the tree.</summary>
    internal MemoryCounter Root
    {
        get
        {
            MemoryCounter level = this;
            while (level._parent is { } parent) level = parent;
            return level;
        }
    }

    /// <summary>The lowest level that both counters are charged on; null when they are of different trees.</summary>
    /// <remarks>Takes as many steps as the tree is deep: from levels of the same height both go up side by
    /// side.</remarks>
    internal MemoryCounter? FindShared(MemoryCounter other)
    {
        MemoryCounter? own = this, its = other;
        int higher = Height - other.Height;
        for (; higher > 0; higher--) own = own!._parent;
        for (; higher < 0; higher++) its = its!._parent;
        while (own != its) (own, its) = (own!._parent, its!._parent);
        Debug.Assert(own is null || IsChargedOn(own), "What is shared is above this counter.");
        Debug.Assert(own is null || other.IsChargedOn(own), "What is shared is above the other counter.");
        return own;
    }

    // Levels from here to the root.
    private int Height
    {
        get
        {
            int levels = 0;
            for (MemoryCounter? level = this; level is not null; level = level._parent) levels++;
            return levels;
        }
    }

    /// <summary>Whether what is charged to this counter stands on the level: the level is this one, an ancestor, or
    /// either of the whole.</summary>
    internal bool IsChargedOn(MemoryCounter level)
    {
        for (MemoryCounter? own = this; own is not null; own = own._parent)
        {
            if (own == level) return true;
        }

        return Whole is not null && Whole.IsChargedOn(level);
    }

    /// <summary>A level on which so much can never be charged, its limit being lower; null if there is none.</summary>
    internal MemoryCounter? FindLimitBelow(long bytes) => Path.FirstOrDefault(level => level.MaxBytes < bytes);

    /// <summary>Whether charges wait at any level that this counter is charged on.</summary>
    internal bool IsBehindLine
    {
        get
        {
            for (MemoryCounter? level = this; level is not null; level = level._parent)
            {
                if (level._hasLine) return true;
            }

            return Whole is { IsBehindLine: true };
        }
    }

    /// <summary>The room of the fullest level, to its limit or to its soft limit: below 0 when it is above that; none
    /// where every charge is to be seen.</summary>
    /// <returns>False when a level is exact: then charges go through the gate.</returns>
    internal bool TryFindRoom(out long room)
    {
        room = long.MaxValue;
        if (Whole is not null && !Whole.TryFindRoom(out room)) return false;
        for (MemoryCounter? level = this; level is not null; level = level._parent)
        {
            if (level._exact || level._hasLine) return false;
            long levelRoom = Volatile.Read(ref level._room);
            room = Math.Min(room, level._watched ? 0 : levelRoom);

            // Max and room are of one instant: a limit changes only while its level is exact.
            long high = Volatile.Read(ref level._high);
            if (high != long.MaxValue) room = Math.Min(room, high - (Volatile.Read(ref level._max) - levelRoom));
        }

        return true;
    }

    /// <summary>Counts the slots that hold bytes of this counter, on every level.</summary>
    internal void CountReserves(int change)
    {
        for (MemoryCounter? level = this; level is not null; level = level._parent)
        {
            int slots = Interlocked.Add(ref level._slots, change);
            Debug.Assert(slots >= 0, "A slot is counted once.");
        }

        Whole?.CountReserves(change);
    }
}
