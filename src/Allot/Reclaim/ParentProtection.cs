// Effective protection: how much of the protection that groups ask for holds in one walk. The same for min and low.
//
// Protection can be promised more often than there is memory, and to groups that do not use it. So it is worked out
// from the target of the reclaim downwards, from snapshots of use:
//
//   1. The target itself has none: it is the one that was asked to give.
//   2. A child of the target has what is configured for it.
//   3. Deeper, a group claims p = min(use, configured): what is not used needs no protection.
//   4. Siblings that claim S together, more than their parent's effective protection E, share E by claim: p * E / S.
//   5. Siblings that claim E or less have what they claim.
//   6. On request (Linux: memory_recursiveprot) the rest of E is then shared by the use that nobody claims:
//      (E - S) * (use - p) / (use of the parent - S) more for each.
//
// Divisions round down: below rule 2 the parts never add up to more than E. Protection is a matter of one walk and not
// kept anywhere: groups that shrink claim less, and the parts of the others grow.

using System.Diagnostics;

namespace Allot;

/// <summary>What a group passes on to its children in one walk.</summary>
internal readonly record struct ParentProtection
{
    /// <summary>Whether the group is the target of the reclaim (rule 2).</summary>
    public required bool IsTarget { get; init; }

    /// <summary>E: its own effective protection.</summary>
    public required long EffectiveBytes { get; init; }

    /// <summary>S: what its children claim together.</summary>
    public required long ClaimedBytes { get; init; }

    /// <summary>What it uses, its children included.</summary>
    public required long UsedBytes { get; init; }

    /// <summary>Whether rule 6 applies.</summary>
    public bool SharesUnclaimed { get; init; }

    /// <summary>p, rule 3.</summary>
    public static long Claim(long usedBytes, long configuredBytes) => Math.Min(usedBytes, configuredBytes);

    /// <summary>The effective protection of a child.</summary>
    public long OfChild(long usedBytes, long configuredBytes)
    {
        Debug.Assert(usedBytes >= 0, "Use is never negative.");
        Debug.Assert(configuredBytes >= 0, "Protection is never negative.");
        if (IsTarget) return configuredBytes;

        long claim = Claim(usedBytes, configuredBytes);
        Debug.Assert(claim <= ClaimedBytes, "Each claim is a part of what all claim.");
        if (ClaimedBytes > EffectiveBytes) return Part(claim, EffectiveBytes, ClaimedBytes);
        if (!SharesUnclaimed || UsedBytes <= ClaimedBytes || usedBytes <= claim) return claim;

        // The snapshots of parent and children are of different instants: without the bound, a child that grew in
        // between could get more than there is.
        long unclaimedUse = Math.Min(usedBytes - claim, UsedBytes - ClaimedBytes);
        return claim + Part(EffectiveBytes - ClaimedBytes, unclaimedUse, UsedBytes - ClaimedBytes);
    }

    private static long Part(long bytes, long numerator, long denominator) =>
        (long)((Int128)bytes * numerator / denominator);
}
