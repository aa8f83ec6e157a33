// One number per group and resource, charged from a group up to the root.
//
// Protocol. The word that decides is _room = MaxBytes - used. A charge is one CAS that lowers _room only if it stays
// at or above zero; a limit change moves _room by the difference of the limits in one atomic add. So there is no
// instant at which a normal charge can stand above the limit (I1), however limits and charges race: both act on the
// same word. Used bytes are read as _max - _room under a sequence lock that only limit changes ever hold.
//
// Terms. A *level* is this counter alone; a *charge* is all levels from here to the root. A refused charge gives the
// levels below the refusing one back (I5); until then a racing charge can find their room taken.
//
// Between the two writes of a limit change, and when a change comes between two reads, _max - _room is off. Whoever
// must not be misled reads under the version (ReadTaken) or takes it (GiveRoomUnderLimitLock). Accepted: bytes that
// were never charged, given back while the limit is being lowered, can pass unnoticed, by at most the distance of the
// lowering.
//
// What is used is what is taken here minus what threads hold of it in advance. ReserveMoves.cs says how both are read
// as of one instant; so the number is exact but for charges and uncharges that are made while it is read.
//
// The shape is that of Linux' page_counter. What differs: it adds first and compares second, so a charge that is about
// to fail can be seen above the limit; here it cannot.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Allot;

/// <summary>
/// Bytes in use, the most they have been, and the most they may be, for one resource of one group and everything below
/// it.
/// </summary>
/// <remarks>
/// <para>All amounts are bytes. All members may be used from any thread; reading takes no lock and allocates nothing.
/// Two properties read one after the other are two readings: they can belong to different instants.</para>
/// <para>The counter of a removed group reads zero: what it held belongs to its parent.</para>
/// </remarks>
public sealed class MemoryCounter
{
    /// <summary>The largest single charge; to the outside it is <see cref="MemoryGroup.MaxChargeBytes"/>.</summary>
    internal const long MaxChargeBytes = 1L << 46;

    // A peak is told apart from reserves that were never used only in trees with few of them: it takes a look at each.
    private const int SlotsLookedAt = 16;

    // So often a reader looks for an instant without a move before it makes one, or a peak does without.
    private const int LooksMax = 100;

    private static long s_lastReserveKey;

    private readonly MemoryCounter? _parent;

    // The only field that charges write. While _limitVersion is even:
    //   used == _max - _room, and 0 <= used <= long.MaxValue; _room < 0 only by ForceRoom or a lowered limit.
    private long _room;

    // Written by SetMax, which holds _limitVersion odd; paired with the re-read of _limitVersion in ReadTaken.
    private long _max;
    private int _limitVersion;

    // The soft limit: it refuses nothing. Near it nothing is taken in advance, so that every charge sees it. Written
    // under the gate of Reserves, or before the counter is shared.
    private long _high = long.MaxValue;

    // At every quiet point: _peak >= used, and the same for each reader that is open. Raised by NotePeak alone.
    private long _peak;
    private PeakReader[]? _peakReaders;

    // Set once each, by Close and Detach, in this order.
    private volatile bool _closed;
    private volatile bool _detached;

    // Slots of threads that are bound to this counter or one below it.
    private int _slots;

    // Written by the holder of the gate of Reserves.
    private volatile bool _exact;
    private volatile bool _hasLine;

    internal MemoryCounter(MemoryCounter? parent, long maxBytes)
    {
        Debug.Assert(maxBytes >= 0, "A limit is never negative.");
        _parent = parent;
        _max = maxBytes;
        _room = maxBytes;
    }

    /// <summary>Bytes in use by the group and its descendants. Exact once charging threads are quiet; never includes
    /// <see cref="ReservedBytes"/>.</summary>
    /// <remarks>While threads charge, it can hold bytes of a charge that an ancestor is about to refuse.</remarks>
    public long CurrentBytes => _detached ? 0 : RecordedBytes;

    /// <summary>Bytes that threads have taken in advance for their next charges and do not use. They are taken back
    /// before any charge is refused for want of them.</summary>
    public long ReservedBytes
    {
        get
        {
            if (_detached || !HasReserves) return 0;
            ReadUsed(out _, out long reserved);
            return reserved;
        }
    }

    /// <summary>The most bytes ever in use.</summary>
    /// <remarks>Taken after a charge has succeeded on every level, so a refused charge never raises it by itself. It is
    /// never below what <see cref="CurrentBytes"/> was at a quiet moment. Where threads hold bytes in advance it can be
    /// high by some of those: by at most what <see cref="ReservedBytes"/> was.</remarks>
    public long PeakBytes
    {
        get
        {
            NotePeak();
            return Volatile.Read(ref _peak);
        }
    }

    /// <summary>The peak as far as it was noted.</summary>
    internal long NotedPeakBytes => Volatile.Read(ref _peak);

    /// <summary>
    /// The most bytes that may be in use; <see cref="MemoryGroup.Unlimited"/> for no limit. Default: no limit.
    /// </summary>
    /// <remarks>May be set at any time, also below what is in use: nothing is taken back by that, but the next charge
    /// is refused. Of two racing writers the last one wins.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative, or below the protection of the group,
    /// <c>MinBytes</c> or <c>LowBytes</c>; nothing has changed.</exception>
    public long MaxBytes
    {
        get => Volatile.Read(ref _max);
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            if (Reserves is { } tree)
            {
                tree.SetMax(this, value);
            }
            else
            {
                SetMax(value);
            }
        }
    }

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

    /// <summary>The soft limit; <see cref="MemoryGroup.Unlimited"/> for none.</summary>
    internal long HighBytes
    {
        get => Volatile.Read(ref _high);
        set => Volatile.Write(ref _high, value);
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

    /// <summary>The counter that this one is a part of: what is charged here is charged there too.</summary>
    internal MemoryCounter? Whole { get; init; }

    /// <summary>What threads hold in advance from this tree; null for a counter outside of any tree.</summary>
    internal TreeReserves? Reserves { get; init; }

    /// <summary>Who is told of accounting errors.</summary>
    internal object? Owner { get; init; }

    /// <summary>Names the counter in the slots of threads, for the life of the process; 0 if none may
    /// reserve.</summary>
    internal long ReserveKey { get; private init; }

    /// <summary>Where in the slots of each thread the reserve of this counter is looked for.</summary>
    internal int SlotOffset { get; private init; }

    /// <summary>Lets threads hold bytes of this counter in advance.</summary>
    internal bool AllowsReserves
    {
        init
        {
            if (!value) return;
            ReserveKey = Interlocked.Increment(ref s_lastReserveKey);
            SlotOffset = ThreadReserves.OffsetOf(ReserveKey);
        }
    }

    /// <summary>Whether the group was removed or killed: no new charge begins.</summary>
    internal bool IsClosed => _closed;

    /// <summary>Whether somebody relies on the numbers of this level being what is used: see
    /// <see cref="TreeReserves"/>.</summary>
    internal bool IsExact
    {
        get => _exact;
        set => _exact = value;
    }

    /// <summary>Whether threads hold bytes of this level in advance.</summary>
    internal bool HasReserves => Volatile.Read(ref _slots) != 0;

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

    /// <summary>Whether charges wait at this level for room: see <see cref="TreeWaiting"/>.</summary>
    internal bool HasLine
    {
        get => _hasLine;
        set => _hasLine = value;
    }

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

    /// <summary>A level on which so much can never be charged, its limit being lower; null if there is none.</summary>
    internal MemoryCounter? FindLimitBelow(long bytes) => Path.FirstOrDefault(level => level.MaxBytes < bytes);

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

    /// <summary>Starts a peak of the reader's own, which it can reset without disturbing any other.</summary>
    /// <returns>A reader whose peak starts at what is in use now. Dispose it to stop the tracking: until then the
    /// counter keeps it alive, and every charge pays for it.</returns>
    public PeakReader OpenPeak()
    {
        var reader = new PeakReader(this);

        Reserves?.TakeBack(this);

        // First listed, then started. The fence of the CAS pairs with that of TryTakeRoom and ForceRoom: of a racing
        // charge, either NotePeak finds the reader, or the reader finds the bytes.
        ReplacePeakReaders(readers => [.. readers ?? [], reader]);
        reader.Note(CurrentBytes);
        return reader;
    }

    /// <summary>What is recorded here, also after the group was removed.</summary>
    internal long RecordedBytes => ReadUsed(out _);

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

    /// <summary>The lowest level that both counters are charged on; null when they are of different trees.</summary>
    internal MemoryCounter? FindShared(MemoryCounter other)
    {
        for (MemoryCounter? level = this; level is not null; level = level._parent)
        {
            for (MemoryCounter? its = other; its is not null; its = its._parent)
            {
                if (its == level) return level;
            }
        }

        return null;
    }

    /// <summary>The room of the fullest level, to its limit or to its soft limit: below 0 when it is above that.
    /// </summary>
    /// <returns>False when a level is exact: then charges go through the gate.</returns>
    internal bool TryFindRoom(out long room)
    {
        room = long.MaxValue;
        if (Whole is not null && !Whole.TryFindRoom(out room)) return false;
        for (MemoryCounter? level = this; level is not null; level = level._parent)
        {
            if (level._exact || level._hasLine) return false;
            long levelRoom = Volatile.Read(ref level._room);
            room = Math.Min(room, levelRoom);

            // Max and room are of one instant: a limit changes only while its level is exact.
            long high = Volatile.Read(ref level._high);
            if (high != long.MaxValue) room = Math.Min(room, high - (Volatile.Read(ref level._max) - levelRoom));
        }

        return true;
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

    /// <summary>Records the peak on every level. Called once a charge stands on all counters that it needs.</summary>
    internal void NotePeaks()
    {
        for (MemoryCounter? level = this; level is not null; level = level._parent) level.NotePeak();
        Whole?.NotePeaks();
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

    /// <summary>From here on no charge begins; one that has begun may still succeed.</summary>
    internal void Close() => _closed = true;

    /// <summary>From here on the counter reads zero; what is recorded returns through it to its ancestors.</summary>
    internal void Detach() => _detached = true;

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
        SpinWait spin = default;
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
                spin.SpinOnce(sleep1Threshold: -1);   // a wait that no interrupt ends
            }
        }
        finally
        {
            if (holdsUp) moves.LetGo();
        }
    }

    /// <summary>What is charged here, used or held in advance, and the limit: of one instant.</summary>
    private long ReadTaken(out long maxBytes)
    {
        SpinWait spin = default;
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

            spin.SpinOnce(sleep1Threshold: -1);   // a wait that no interrupt ends
        }
    }

    internal void Remove(PeakReader reader) =>
        ReplacePeakReaders(readers => readers is null ? null : Array.FindAll(readers, r => r != reader));

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
        SpinWait spin = default;
        while (true)
        {
            int version = Volatile.Read(ref _limitVersion);
            if ((version & 1) == 0
                && Interlocked.CompareExchange(ref _limitVersion, version + 1, version) == version)
            {
                return version + 1;
            }

            spin.SpinOnce(sleep1Threshold: -1);   // a wait that no interrupt ends
        }
    }

    private void LeaveLimitChange(int version)
    {
        Debug.Assert((version & 1) == 1, "Inside, the version is odd.");
        Debug.Assert(Volatile.Read(ref _limitVersion) == version, "Only the writer that entered leaves.");
        Volatile.Write(ref _limitVersion, version + 1);
    }

    /// <summary>Raises the peak of this level to what is used, or has been used since threads last came by.</summary>
    internal void NotePeak()
    {
        if (_detached) return;   // the peak of a removed group stays what it was
        long used = ReadTaken(out _);
        PeakReader[]? open = Volatile.Read(ref _peakReaders);
        if (open is null && used <= Volatile.Read(ref _peak)) return;
        if (HasReserves && Reserves!.BoundSlots <= SlotsLookedAt) used = ReadEverUsed();
        Raise(ref _peak, used);
        if (open is null) return;
        foreach (PeakReader reader in open) reader.Note(used);
    }

    // What is used, or has been used since threads last came by. Where no instant without a move is met it is high, by
    // what threads hold in advance: called under the lock of a thread, it waits for nobody.
    private long ReadEverUsed()
    {
        ReserveMoves moves = Reserves!.Moves;
        for (int looks = 0; looks < LooksMax; looks++)
        {
            long ended = moves.Ended;
            long used = ReadTaken(out _) - ThreadReserves.NeverUsedBytes(this);
            if (moves.NoneSince(ended)) return used;
        }

        return ReadTaken(out _);
    }

    internal static void Raise(ref long peak, long value)
    {
        long seen = Volatile.Read(ref peak);
        while (value > seen)
        {
            long before = Interlocked.CompareExchange(ref peak, value, seen);
            if (before == seen) return;
            seen = before;
        }
    }

    private void ReplacePeakReaders(Func<PeakReader[]?, PeakReader[]?> change)
    {
        PeakReader[]? before = Volatile.Read(ref _peakReaders);
        while (true)
        {
            PeakReader[]? after = change(before) is { Length: > 0 } readers ? readers : null;
            PeakReader[]? seen = Interlocked.CompareExchange(ref _peakReaders, after, before);
            if (seen == before) return;
            before = seen;
        }
    }
}
