// How hard a charge tries: what the call asks for, as far as the context permits. Worked out when the charge begins, so
// that a charge which waits on other threads goes by the context it was made in.

namespace Allot;

internal readonly struct ChargeEffort
{
    private readonly AllocationFlags _flags;
    private readonly AllocationRestrictions _restrictions;

    private ChargeEffort(AllocationFlags flags, AllocationRestrictions restrictions)
    {
        _flags = flags;
        _restrictions = restrictions;
    }

    /// <summary>Whether it may do what blocks: reclaim, wait, be delayed. Inside of a reclaimer never.</summary>
    public bool MayReclaim => Has(AllocationFlags.DirectReclaim) && !Is(AllocationRestrictions.NoReclaim);

    public bool MayReclaimInBackground => Has(AllocationFlags.BackgroundReclaim);

    /// <summary>Whether it may ask who has to go.</summary>
    public bool MayKill => MayReclaim && !Is(AllocationRestrictions.NoThrowOnLimit)
        && !Has(AllocationFlags.NoRetry) && !Has(AllocationFlags.RetryMayFail);

    /// <summary>How often it may reclaim.</summary>
    public int ReclaimRounds => Has(AllocationFlags.NoRetry) ? 1 : GroupReclaim.IdleRoundsMax;

    /// <summary>Whether it takes no for an answer; if not, whoever says it is passed.</summary>
    public bool MayFail => !Has(AllocationFlags.MustSucceed) && !Is(AllocationRestrictions.NoThrowOnLimit);

    /// <summary>Whether it must succeed where nothing is reclaimed for it.</summary>
    public bool IsBlindlyEager => Has(AllocationFlags.MustSucceed) && Is(AllocationRestrictions.NoReclaim);

    /// <summary>Whether it may pass a limit that refuses it, in order to give back more soon, or because it is urgent.
    /// The kernel does the same: its memory controller has no reserve of its own, but lets these pass.</summary>
    public bool MayUseReserve => !Has(AllocationFlags.NoReserve)
        && (Has(AllocationFlags.High) || Has(AllocationFlags.Reserve) || Is(AllocationRestrictions.NoReclaim));

    /// <summary>Which reclaimers it may call.</summary>
    public ReclaimContext ReclaimContext => ReclaimContext.Of(_flags);

    /// <summary>The effort of a call in the present context.</summary>
    /// <param name="requested">What the call asks for.</param>
    /// <exception cref="MustSucceedInAtomicException">The request must succeed, and the context is atomic.</exception>
    public static ChargeEffort Of(AllocationFlags requested) =>
        new(AllocationContext.Apply(requested), ThreadContext.Restrictions);

    private bool Has(AllocationFlags flag) => (_flags & flag) != 0;

    private bool Is(AllocationRestrictions restriction) => (_restrictions & restriction) != 0;
}
