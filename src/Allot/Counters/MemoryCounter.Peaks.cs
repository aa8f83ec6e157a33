// The most that was in use: for all time, and for each reader that wants a peak of its own. Noted by whoever has
// changed the tree; charges that threads spend from what they hold in advance are noted when somebody comes by.

namespace Allot;

public sealed partial class MemoryCounter
{
    // A peak is told apart from reserves that were never used only in trees with few of them: it takes a look at each.
    private const int SlotsLookedAt = 16;

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

    internal void Remove(PeakReader reader) =>
        ReplacePeakReaders(readers => readers is null ? null : Array.FindAll(readers, r => r != reader));

    /// <summary>Records the peak on every level. Called once a charge stands on all counters that it needs.</summary>
    internal void NotePeaks()
    {
        for (MemoryCounter? level = this; level is not null; level = level._parent) level.NotePeak();
        Whole?.NotePeaks();
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
