namespace Allot;

/// <summary>How a tree of groups works.</summary>
public sealed class MemoryControllerOptions
{
    /// <summary>The most bytes that all threads together may take from the tree in advance, so that their next charges
    /// touch no shared memory; 0 or more. Default: 64 MiB. With 0 every charge goes through the tree.</summary>
    /// <remarks>It does not grow with the number of threads or groups. What is held in advance never makes a charge
    /// fail and is not counted as used, see <see cref="MemoryCounter.ReservedBytes"/>.</remarks>
    public long ReservesMaxBytes { get; set; } = 64L << 20;

    /// <summary>Whether protection that nobody below a group claims is shared among its children in proportion to what
    /// they use. Default: false. Linux calls it <c>memory_recursiveprot</c>.</summary>
    public bool SharesUnclaimedProtection { get; set; }

    /// <summary>How long one charge is held up at most because a group is above its <c>HighBytes</c>, reclaim and
    /// delay together; 0 or more. Default: 2 seconds.</summary>
    /// <remarks>When the time is over the charge returns, successful, and <see cref="MemoryEvents.HighDeadlines"/>
    /// counts it. With 0 nothing is delayed. A reclaimer that is running is not interrupted.</remarks>
    public TimeSpan HighDelayMax { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>The time by which unused reserves are given back, charges are delayed and pressure is measured.
    /// </summary>
    internal TimeProvider Time { get; set; } = TimeProvider.System;

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegative(ReservesMaxBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(HighDelayMax, TimeSpan.Zero, nameof(HighDelayMax));
    }
}
