namespace Allot;

/// <summary>How a tree of groups works.</summary>
public sealed class MemoryControllerOptions
{
    /// <summary>The most bytes that all threads together may take from the tree in advance, so that their next charges
    /// touch no shared memory; 0 or more. Default: 64 MiB. With 0 every charge goes through the tree.</summary>
    /// <remarks>It does not grow with the number of threads or groups. What is held in advance never makes a charge
    /// fail and is not counted as used, see <see cref="MemoryCounter.ReservedBytes"/>.</remarks>
    public long ReservesMaxBytes { get; set; } = 64L << 20;

    /// <summary>Which groups have their kernel memory counted. Default: <see cref="KernelAccountingMode.Always"/>.
    /// </summary>
    /// <remarks>
    /// <para>With <see cref="KernelAccountingMode.OnFirstLimit"/> the kernel memory of a group is not counted, neither
    /// in <see cref="MemoryGroup.Kernel"/> nor in <see cref="MemoryGroup.Memory"/>, until a limit of its <see
    /// cref="MemoryGroup.Kernel"/> below <see cref="MemoryGroup.Unlimited"/> is set. From then on it is counted for
    /// this group and for every group created below it, until they are removed, even if the limit is lifted again. <see
    /// cref="MemoryGroupOptions.KernelMaxBytes"/> does the same from the start. Groups above that do not count see in
    /// their numbers what those below them count.</para>
    /// <para>The first limit is refused with <see cref="InvalidOperationException"/> unless the group is empty. It is
    /// not empty while it has children, while bytes of any kind, pins included, are charged to it, or while a <see
    /// cref="MemoryCharge"/> of any kind and size holds it. While other threads charge it, the check of bytes is that
    /// of an instant.</para>
    /// <para>Charges that are not counted always succeed in an online group. One that was made without a handle is
    /// remembered nowhere: if its group counts by the time it is uncharged, the uncharge takes from what is counted by
    /// then, and what is not there is no accounting error in such a group. Set the limit before the first charge, or
    /// use handles, and this does not arise.</para>
    /// </remarks>
    public KernelAccountingMode KernelAccounting { get; set; } = KernelAccountingMode.Always;

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

    /// <summary>How long a charge waits, after the out-of-memory policy has killed a group, for that group to let go; 0
    /// or more. Default: a second. Then the charge is refused, and the next one may have another group killed.
    /// </summary>
    public TimeSpan OutOfMemoryGrace { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>Set by the layer that knows its type.</summary>
    internal object? OutOfMemoryPolicyOrNull { get; set; }

    /// <summary>Set by the layer that knows its type; null for nobody pays.</summary>
    internal GroupPayer? GroupPayerOrNull { get; set; }

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegative(ReservesMaxBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(HighDelayMax, TimeSpan.Zero, nameof(HighDelayMax));
        ArgumentOutOfRangeException.ThrowIfLessThan(OutOfMemoryGrace, TimeSpan.Zero, nameof(OutOfMemoryGrace));
        if (KernelAccounting is KernelAccountingMode.Always or KernelAccountingMode.OnFirstLimit) return;
        throw new ArgumentOutOfRangeException(
            nameof(KernelAccounting), KernelAccounting, "The mode is Always or OnFirstLimit.");
    }
}
