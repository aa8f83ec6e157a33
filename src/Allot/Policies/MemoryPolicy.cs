namespace Allot;

/// <summary>What a host decides about a group and all below it, at the points where the library would decide alone.
/// Each delegate is optional; <c>group.Attach(policy)</c> puts it in force.</summary>
/// <remarks>
/// <para>All run on the thread that the thing happens on, without any lock of the tree, and may run on several at once.
/// What one throws is contained and counted in <see cref="MemoryEvents.PolicyErrors"/> of the group it is attached to,
/// and what the library does by default happens. No delegate is called inside of another one, except that
/// <see cref="Uncharged"/> is told of what <see cref="OutOfMemory"/> gives back.</para>
/// <para>Inside of all but <see cref="OutOfMemory"/> the thread is in an atomic context: nothing is reclaimed for a
/// charge that they make, and a charge to the group that they are told about, or to one below it, is refused with
/// <see cref="RefusalReason.InPolicy"/>, unless what the thread holds in advance serves it.</para>
/// <para>Maps tell <see cref="Charged"/> and <see cref="Uncharged"/> when they have left their locks, so these may use
/// any map. One whose memory comes with its elements cannot grow there when its group is the one that is told about: a
/// hash with all its memory from the start, or an array, is what they keep their numbers in. They take no lock that is
/// held around the use of a map that grows.</para>
/// </remarks>
public sealed class MemoryPolicy
{
    /// <summary>What the policy is called in messages.</summary>
    public string Name { get; init; } = "policy";

    /// <summary>A limit is met and nothing could be reclaimed. True: room was made, by giving memory back, reclaiming
    /// or killing. It counts only if the counter of the limit shows it; then the charge is tried again. Policies are
    /// asked from the group whose limit it is up to the root, until one has made room; then the out-of-memory policy of
    /// the tree is.</summary>
    public Func<PolicyNotice, bool>? OutOfMemory { get; init; }

    /// <summary>A charge stands. The charging flow is delayed by the result, if it may be, for at most
    /// <see cref="MemoryControllerOptions.HighDelayMax"/>; of several policies the longest delay counts. What begins
    /// with Try and what must not wait is only told.</summary>
    /// <remarks>While a policy with this or <see cref="Uncharged"/> is attached, every charge below goes to the tree:
    /// none is made from what threads hold in advance.</remarks>
    public Func<PolicyNotice, TimeSpan>? Charged { get; init; }

    /// <summary>Bytes are about to go back. Where they do so inside of a lock of the library (that of a handle), it is
    /// told when the lock was left, right after.</summary>
    public Action<PolicyNotice>? Uncharged { get; init; }

    /// <summary>A charge has left a group above its high limit, and reclaim did not help: how long the flow is delayed,
    /// in place of <see cref="PolicyNotice.Delay"/>, for at most <see cref="MemoryControllerOptions.HighDelayMax"/>.
    /// Delays up to 10 ms are none. The policy nearest to the group, from there up, decides.</summary>
    public Func<PolicyNotice, TimeSpan>? OverHigh { get; init; }

    /// <summary>Whether reclaim leaves a group alone as if it were below its low protection. True protects; false
    /// leaves it to the protection that is set, so no policy can take that away. Where nothing else can be reclaimed,
    /// low protection is passed, this one too.</summary>
    public Func<PolicyNotice, bool>? BelowLow { get; init; }

    /// <summary>The same for min protection, which is never passed.</summary>
    public Func<PolicyNotice, bool>? BelowMin { get; init; }

    /// <summary>A group was created, below the group that the policy is attached to. Groups that exist already when it
    /// is attached are not told.</summary>
    public Action<PolicyNotice>? GroupCreated { get; init; }

    /// <summary>A group was removed: below the group that the policy is attached to, or that group itself, and then the
    /// policy is detached.</summary>
    public Action<PolicyNotice>? GroupRemoved { get; init; }

    internal int Points =>
        Bit(OutOfMemory, PolicyPoint.OutOfMemory) | Bit(Charged, PolicyPoint.Charged)
        | Bit(Uncharged, PolicyPoint.Uncharged) | Bit(OverHigh, PolicyPoint.OverHigh)
        | Bit(BelowLow, PolicyPoint.BelowLow) | Bit(BelowMin, PolicyPoint.BelowMin)
        | Bit(GroupCreated, PolicyPoint.GroupCreated) | Bit(GroupRemoved, PolicyPoint.GroupRemoved);

    private static int Bit(Delegate? handler, PolicyPoint point) => handler is null ? 0 : 1 << (int)point;
}
