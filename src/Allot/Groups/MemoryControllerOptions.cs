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

    /// <summary>The time by which unused reserves are given back.</summary>
    internal TimeProvider Time { get; set; } = TimeProvider.System;

    /// <summary>How long a charge waits, after the out-of-memory policy has killed a group, for that group to let go; 0
    /// or more. Default: a second. Then the charge is refused, and the next one may have another group killed.
    /// </summary>
    public TimeSpan OutOfMemoryGrace { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Set by the layer that knows its type.</summary>
    internal object? OutOfMemoryPolicyOrNull { get; set; }

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegative(ReservesMaxBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(OutOfMemoryGrace, TimeSpan.Zero);
    }
}
