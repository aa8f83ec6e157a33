// All levels from here to the root, and of the whole that this is a part of: charged together, or none (I5).

using System.Diagnostics;

namespace Allot;

public sealed partial class MemoryCounter
{
    /// <summary>Charges every level from here to the root, and of the whole that this is a part of; or none (I5).
    /// </summary>
    /// <param name="bytes">0 or more; 0 always fits, also above a limit that was lowered.</param>
    /// <param name="limiter">The level that has no room; null on success, and when the group was removed.</param>
    internal bool TryCharge(long bytes, out MemoryCounter? limiter)
    {
        Debug.Assert(bytes is >= 0 and <= MaxChargeBytes, "The caller has checked the amount.");
        limiter = null;
        if (bytes == 0) return true;
        bool charged = Reserves is { } tree
            ? ThreadReserves.TryCharge(this, tree, bytes, out limiter)
            : TryChargePath(bytes, out limiter);
        if (charged) NotePeaks();
        return charged;
    }

    /// <summary>The same on the tree itself, without regard to what threads hold in advance, and without its peaks.
    /// </summary>
    internal bool TryChargePath(long bytes, out MemoryCounter? limiter)
    {
        if (!TryTakeRoomOfLevels(bytes, null, out limiter)) return false;
        if (Whole is not null && !Whole.TryTakeRoomOfLevels(bytes, null, out limiter))
        {
            GiveRoomOfLevels(bytes, null);
            return false;
        }

        return true;
    }

    /// <summary>Moves bytes to another counter of the same sort and tree: levels that both stand on are not touched.
    /// </summary>
    /// <returns>False when a level of the target has no room; nothing has moved.</returns>
    internal bool TryMovePath(MemoryCounter target, long bytes, out MemoryCounter? limiter)
    {
        MemoryCounter? shared = FindShared(target), wholeShared = Whole?.FindShared(target.Whole!);
        if (!target.TryTakeRoomOfLevels(bytes, shared, out limiter)) return false;
        if (Whole is not null && !target.Whole!.TryTakeRoomOfLevels(bytes, wholeShared, out limiter))
        {
            target.GiveRoomOfLevels(bytes, shared);
            return false;
        }

        GiveRoomOfLevels(bytes, shared);
        Whole?.GiveRoomOfLevels(bytes, wholeShared);
        return true;
    }

    /// <summary>Charges every level, limits or not; not the whole that this is a part of.</summary>
    internal void ForceCharge(long bytes)
    {
        for (MemoryCounter? level = this; level is not null; level = level._parent) level.ForceChargeLevel(bytes);
    }

    /// <summary>Charges this level alone, limit or not; the caller goes on to the root.</summary>
    /// <returns>Whether the charge left it above its limit. The limit of a removed group acts no more.</returns>
    internal bool ForceChargeLevel(long bytes)
    {
        Debug.Assert(bytes is >= 0 and <= MaxChargeBytes, "The caller has checked the amount.");
        long room = ForceRoom(bytes);
        NotePeak();
        return room < 0 && bytes > 0 && !_detached && ReadUsed(out long max) > max;
    }

    /// <summary>Takes over what is charged to another counter of the same sort, limits or not: levels that both stand
    /// on are not touched.</summary>
    internal void ForceMoveFrom(MemoryCounter source, long bytes)
    {
        MemoryCounter? shared = source.FindShared(this);
        for (MemoryCounter? level = this; level != shared; level = level!._parent) level!.ForceChargeLevel(bytes);
        source.GiveRoomOfLevels(bytes, shared);
    }

    /// <summary>Gives back what is charged here and on the levels above, up to below the end.</summary>
    internal void GiveBackBelow(MemoryCounter? end, long bytes)
    {
        GiveRoomOfLevels(bytes, end);
        if (Reserves is not { } tree) return;
        tree.Waiting.NoteRoom();
        tree.Settle();
    }

    /// <summary>Gives bytes back on every level, and of the whole that this is a part of. Never fails.</summary>
    /// <returns>Bytes that were not there to give back: 0 unless the caller uncharges what it never charged.</returns>
    internal long Uncharge(long bytes)
    {
        Debug.Assert(bytes is >= 0 and <= MaxChargeBytes, "The caller has checked the amount.");
        if (bytes == 0) return 0;
        if (Reserves is not { } tree) return UnchargePath(bytes);
        long missing = ThreadReserves.Uncharge(this, tree, bytes);
        tree.Settle();
        return missing;
    }

    /// <summary>The same on the tree itself, without regard to what threads hold in advance.</summary>
    internal long UnchargePath(long bytes)
    {
        // What this counter never held is not taken from the rest of the whole either.
        long missing = GiveRoomDownTo(bytes);
        if (Whole is not null) missing += Whole.GiveRoomDownTo(bytes - missing);
        Debug.Assert(missing >= 0, "More is never given back than was asked.");
        Debug.Assert(missing <= bytes, "What is missing is a part of what was asked.");
        return missing;
    }

    private long GiveRoomDownTo(long bytes)
    {
        long missing = 0;
        for (MemoryCounter? level = this; level is not null; level = level._parent)
        {
            long given = level.GiveRoom(bytes);
            if (level._hasLine) Reserves!.Waiting.NoteRoom();
            if (given == bytes) continue;

            // Ancestors get back what this level really held: one wrong caller cannot eat its neighbours' bytes.
            Debug.Assert(given >= 0, "Giving back never takes room.");
            Debug.Assert(given < bytes, "A level gives back at most what was asked.");
            missing += bytes - given;
            bytes = given;
        }

        return missing;
    }

    // From here up to below the end, or of all levels when there is none.
    private bool TryTakeRoomOfLevels(long bytes, MemoryCounter? end, out MemoryCounter? limiter)
    {
        limiter = null;
        for (MemoryCounter? level = this; level != end; level = level!._parent)
        {
            if (level!.TryTakeRoom(bytes)) continue;
            for (MemoryCounter taken = this; taken != level; taken = taken._parent!) taken.GiveRoom(bytes);
            limiter = level;
            return false;
        }

        return true;
    }

    private void GiveRoomOfLevels(long bytes, MemoryCounter? end)
    {
        for (MemoryCounter? level = this; level != end; level = level!._parent) level!.GiveRoom(bytes);
    }
}
