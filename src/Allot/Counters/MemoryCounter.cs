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
// The shape is that of Linux' page_counter. What differs: it adds first and compares second, so a charge that is about
// to fail can be seen above the limit; here it cannot.

using System.Diagnostics;

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
public sealed partial class MemoryCounter
{
    /// <summary>The largest single charge; to the outside it is <see cref="MemoryGroup.MaxChargeBytes"/>.</summary>
    internal const long MaxChargeBytes = 1L << 46;

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
    private volatile bool _watched;

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

    /// <summary>The soft limit; <see cref="MemoryGroup.Unlimited"/> for none.</summary>
    internal long HighBytes
    {
        get => Volatile.Read(ref _high);
        set => Volatile.Write(ref _high, value);
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
    internal nint SlotOffset { get; private init; }

    /// <summary>By which the allocator that all share marks free blocks that were this counter's last; 0 for none.
    /// </summary>
    internal ulong BlockTag { get; set; }

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

    /// <summary>Whether charges wait at this level for room: see <see cref="TreeWaiting"/>.</summary>
    internal bool HasLine
    {
        get => _hasLine;
        set => _hasLine = value;
    }

    /// <summary>Whether every charge of this level and below is to be seen: nothing is held in advance.</summary>
    internal bool IsWatched
    {
        get => _watched;
        set => _watched = value;
    }

    /// <summary>From here on no charge begins; one that has begun may still succeed.</summary>
    internal void Close() => _closed = true;

    /// <summary>From here on the counter reads zero; what is recorded returns through it to its ancestors.</summary>
    internal void Detach() => _detached = true;

    /// <summary>Whether no thread is in the middle of spending what it held of the counter, nor ever will be.</summary>
    internal bool IsDetached => _detached;
}
