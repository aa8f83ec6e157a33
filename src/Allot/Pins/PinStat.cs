// The parts by source are added up from the accounts when somebody asks: charging pays nothing for them. What no
// account holds was charged by hand, and is counted as Other.

namespace Allot;

/// <summary>What a group and its descendants have locked and pinned: a snapshot, not atomic as a whole.</summary>
public sealed record PinStat
{
    private readonly long[] _bySource = new long[(int)PinSource.Device + 1];

    internal PinStat(MemoryGroup group)
    {
        if (group.State == MemoryGroupState.Offline || group.PinsIfAny is not { } pins) return;
        LockedBytes = pins.Locked.CurrentBytes;
        PinnedBytes = pins.Pinned.CurrentBytes;
        long restBytes = LockedBytes + PinnedBytes;
        PinAccount? oldest = null;
        foreach (PinAccount account in PinRegistry.SnapshotBelow(group))
        {
            if (account.Peek().Bytes == 0) continue;
            Count++;
            if (oldest is null || PinReport.AgeOf(account) > PinReport.AgeOf(oldest)) oldest = account;
            long bytes = Math.Min(account.PeekCounted(), restBytes);
            _bySource[(int)account.Source] += bytes;
            restBytes -= bytes;
        }

        _bySource[(int)PinSource.Other] += restBytes;
        if (oldest is not null) Oldest = PinReport.Of(oldest);
    }

    /// <summary>Locked bytes.</summary>
    public long LockedBytes { get; }

    /// <summary>Pinned bytes. Bytes both locked and pinned count in both.</summary>
    public long PinnedBytes { get; }

    /// <summary>How many owners hold something.</summary>
    public int Count { get; }

    /// <summary>What is held for the longest; null when there is nothing.</summary>
    public PinReport? Oldest { get; }

    /// <summary>The bytes that one source holds. The sources add up to the locked and the pinned.</summary>
    /// <param name="source">Which one.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such source.</exception>
    public long BytesOf(PinSource source) => source is >= PinSource.Other and <= PinSource.Device
        ? _bySource[(int)source]
        : throw new ArgumentOutOfRangeException(nameof(source), source, "There is no such source.");
}
