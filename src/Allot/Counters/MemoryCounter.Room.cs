// One level: its room, which decides, and its limit. The protocol is at the top of MemoryCounter.cs; the tests with all
// interleavings (tests/Allot.Model.Tests/Interleavings/CounterProtocol.cs) have the same methods.

using System.Diagnostics;

namespace Allot;

public sealed partial class MemoryCounter
{
    /// <summary>What is charged here, used or held in advance, and the limit: of one instant.</summary>
    private long ReadTaken(out long maxBytes)
    {
        SteadySpin spin = default;
        while (true)
        {
            // Pairs with SetMax: an even, unchanged version means that no limit change overlapped the two reads.
            int version = Volatile.Read(ref _limitVersion);
            long max = Volatile.Read(ref _max);
            long room = Volatile.Read(ref _room);
            if ((version & 1) == 0 && Volatile.Read(ref _limitVersion) == version)
            {
                maxBytes = max;
                return max - room;
            }

            spin.Once();
        }
    }

    private bool TryTakeRoom(long bytes)
    {
        long room = Volatile.Read(ref _room);
        while (bytes <= room)
        {
            long seen = Interlocked.CompareExchange(ref _room, room - bytes, room);
            if (seen == room) return true;
            room = seen;
        }

        return false;
    }

    // Room may go below zero here: the distance by which the limit is passed. Use stops at the largest long, which no
    // machine has: no limit is lost by a wrap, and what is cut off shows as an accounting error when it is uncharged.
    private long ForceRoom(long bytes)
    {
        while (true)
        {
            long taken = ReadTaken(out long max);
            long room = max - taken;
            long after = room - Math.Min(bytes, long.MaxValue - Math.Max(0, taken));
            if (Interlocked.CompareExchange(ref _room, after, room) == room) return after;
        }
    }

    private long GiveRoom(long bytes)
    {
        long room = Volatile.Read(ref _room);

        // The two reads can straddle a limit change. If that makes use look too small, GiveRoomUnderLimitLock decides;
        // if it makes use look too large, no harm: an owner gives back what it has charged, and that is always there.
        while (bytes <= Volatile.Read(ref _max) - room)
        {
            long seen = Interlocked.CompareExchange(ref _room, room + bytes, room);
            if (seen == room) return bytes;
            room = seen;
        }

        return GiveRoomUnderLimitLock(bytes);
    }

    private long GiveRoomUnderLimitLock(long bytes)
    {
        int version = EnterLimitChange();
        try
        {
            Debug.Assert(Volatile.Read(ref _limitVersion) == version, "Nobody else changes the limit while we decide.");
            long max = _max;
            long room = Volatile.Read(ref _room);
            while (true)
            {
                long given = Math.Clamp(max - room, 0, bytes);
                long seen = Interlocked.CompareExchange(ref _room, room + given, room);
                if (seen == room) return given;
                room = seen;
            }
        }
        finally
        {
            LeaveLimitChange(version);
        }
    }

    internal void SetMax(long max)
    {
        Debug.Assert(max >= 0, "A limit is never negative.");
        int version = EnterLimitChange();
        long difference = max - _max;
        Interlocked.Add(ref _room, difference);   // the new limit is in force from this instant
        Volatile.Write(ref _max, max);
        LeaveLimitChange(version);
    }

    // The version is odd while a writer is inside: it locks writers out of each other and readers out of the middle.
    private int EnterLimitChange()
    {
        SteadySpin spin = default;
        while (true)
        {
            int version = Volatile.Read(ref _limitVersion);
            if ((version & 1) == 0
                && Interlocked.CompareExchange(ref _limitVersion, version + 1, version) == version)
            {
                return version + 1;
            }

            spin.Once();
        }
    }

    private void LeaveLimitChange(int version)
    {
        Debug.Assert((version & 1) == 1, "Inside, the version is odd.");
        Debug.Assert(Volatile.Read(ref _limitVersion) == version, "Only the writer that entered leaves.");
        Volatile.Write(ref _limitVersion, version + 1);
    }
}
