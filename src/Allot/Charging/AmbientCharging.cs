// Charging whoever is current. A group that is removed meanwhile is replaced by its heir.
//
// Most charges are spent from what the thread holds in advance, in the first lines here, which need not look at the
// context: nothing is held of a group that was removed, and where every charge has to be looked at, the thread may not
// use what it holds (ThreadPlaces.Slots).

using System.Runtime.CompilerServices;

namespace Allot;

/// <summary>Charging the current group (<see cref="AllocationContext.ActiveGroup"/>): for code that does not know for
/// whom it works. The group that pays is returned, and that group has to be uncharged later, wherever that is.
/// </summary>
/// <remarks>All methods may be used from any thread. Nobody pays where there is no current group, inside of
/// <see cref="AllocationScope.BlockAccounting"/>, and for requests without <see cref="AllocationFlags.Account"/>: then
/// null is returned. While <see cref="AllocationChecks"/> are on, each throws <see cref="AllocationDeniedException"/>
/// where the context denies allocations.</remarks>
public static class AmbientCharging
{
    /// <summary>Charges the current group as its <c>Charge</c> does.</summary>
    /// <param name="kind">Whether the memory is the tenant's or the host's on its behalf.</param>
    /// <param name="bytes">0 to <see cref="MemoryGroup.MaxChargeBytes"/>.</param>
    /// <returns>Who was charged; null when nobody was.</returns>
    /// <exception cref="MemoryLimitExceededException">A limit refused, and what the context permits did not help; or
    /// the group was killed. Nothing is charged.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The amount is negative or larger than the largest charge, or the
    /// kind is unknown.</exception>
    public static MemoryGroup? Charge(MemoryKind kind, long bytes)
    {
        Validate(kind, bytes);
        return ChargePayer(kind, bytes, AllocationFlags.KernelAccount);
    }

    /// <summary>The same for a call that says itself what may be done to find room. The scopes around it can only
    /// permit less.</summary>
    /// <param name="kind">Whether the memory is the tenant's or the host's on its behalf.</param>
    /// <param name="bytes">0 to <see cref="MemoryGroup.MaxChargeBytes"/>.</param>
    /// <param name="flags">What may be done to find room, and whether anybody is charged at all;
    /// <see cref="AllocationFlags.KernelAccount"/> is what <c>Charge</c> says otherwise.</param>
    /// <returns>Who was charged; null when nobody was.</returns>
    /// <exception cref="MemoryLimitExceededException">A limit refused, and what the context permits did not help; or
    /// the group was killed. Nothing is charged.</exception>
    /// <exception cref="MustSucceedInAtomicException">The charge must succeed, and the context is atomic.</exception>
    /// <exception cref="ArgumentException">The charge must succeed, and may not reclaim.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The amount is negative or larger than the largest charge, or the
    /// kind is unknown.</exception>
    public static MemoryGroup? Charge(MemoryKind kind, long bytes, AllocationFlags flags)
    {
        // At once only where somebody pays, and nothing that the context says can make the call a mistake.
        const AllocationFlags Eager = AllocationFlags.Account | AllocationFlags.MustSucceed;
        nint slots = (flags & Eager) == AllocationFlags.Account ? ThreadPlaces.Slots : 0;
        return ThreadGroups.ActiveAtOnce is { } payer && payer.TrySpendIn(slots, kind, bytes)
            ? payer
            : ChargeElsewhere(kind, bytes, flags);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static MemoryGroup? ChargeElsewhere(MemoryKind kind, long bytes, AllocationFlags flags)
    {
        Validate(kind, bytes);
        MemoryGroup? checkedFor = AllocationChecks.IsEnabled ? AllocationContext.ActiveGroup : null;
        AllocationContext.MightAllocate(flags, checkedFor);   // a mistake is one, whoever pays
        return ChargePayer(kind, bytes, flags);
    }

    private static MemoryGroup? ChargePayer(MemoryKind kind, long bytes, AllocationFlags flags)
    {
        while (FindPayer(flags) is { } payer)
        {
            try
            {
                payer.ChargeAs(kind, bytes, flags);
                return payer;
            }
            catch (MemoryLimitExceededException refused) when (refused.Refusal.IsForHeir)
            {
                // Removed since it was found: its heir pays.
            }
        }

        return null;
    }

    /// <summary>Charges the current group as its <c>TryCharge</c> does.</summary>
    /// <param name="kind">Whether the memory is the tenant's or the host's on its behalf.</param>
    /// <param name="bytes">0 to <see cref="MemoryGroup.MaxChargeBytes"/>.</param>
    /// <param name="payer">When true is returned: who was charged; null when nobody was.</param>
    /// <returns>True when the bytes are charged or nobody has to pay. False when they were refused; the method that
    /// takes a <see cref="ChargeRefusal"/> tells by whom.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The amount is negative or larger than the largest charge, or the
    /// kind is unknown.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryCharge(MemoryKind kind, long bytes, out MemoryGroup? payer)
    {
        nint slots = ThreadPlaces.Slots;
        payer = ThreadGroups.ActiveAtOnce;
        if (payer is not null && payer.TrySpendIn(slots, kind, bytes)) return true;
        payer = TryChargeElsewhere(kind, bytes, out bool isCharged);
        return isCharged;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static MemoryGroup? TryChargeElsewhere(MemoryKind kind, long bytes, out bool isCharged)
    {
        MemoryGroup? payer = TryChargeElsewhere(kind, bytes, out ChargeRefusal refusal);
        isCharged = refusal.Group is null;
        return payer;
    }

    /// <summary>Charges the current group as its <c>TryCharge</c> does.</summary>
    /// <param name="kind">Whether the memory is the tenant's or the host's on its behalf.</param>
    /// <param name="bytes">0 to <see cref="MemoryGroup.MaxChargeBytes"/>.</param>
    /// <param name="payer">When true is returned: who was charged; null when nobody was.</param>
    /// <param name="refusal">When false is returned: who refused, and why. Otherwise the default value.</param>
    /// <returns>True when the bytes are charged or nobody has to pay; false when they were refused.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The amount is negative or larger than the largest charge, or the
    /// kind is unknown.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryCharge(MemoryKind kind, long bytes, out MemoryGroup? payer, out ChargeRefusal refusal)
    {
        refusal = default;
        nint slots = ThreadPlaces.Slots;
        payer = ThreadGroups.ActiveAtOnce;
        if (payer is not null && payer.TrySpendIn(slots, kind, bytes)) return true;
        payer = TryChargeElsewhere(kind, bytes, out refusal);
        return refusal.Group is null;
    }

    // What it returns and what is refused are both out of the way of the charges that never come here.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static MemoryGroup? TryChargeElsewhere(MemoryKind kind, long bytes, out ChargeRefusal refusal)
    {
        Validate(kind, bytes);
        while (true)
        {
            refusal = default;
            MemoryGroup? payer = FindPayer(AllocationFlags.Account);
            if (payer is null || payer.TryCharge(kind, bytes, out refusal)) return payer;
            if (!refusal.IsForHeir) return null;
        }
    }

    /// <summary>Charges the current group and returns the owner of the bytes, which gives them back when
    /// disposed.</summary>
    /// <param name="kind">Whether the memory is the tenant's or the host's on its behalf.</param>
    /// <param name="bytes">0 to <see cref="MemoryGroup.MaxChargeBytes"/>; more can be added later.</param>
    /// <returns>The owner; null when there is no current group.</returns>
    /// <exception cref="MemoryLimitExceededException">A limit refused, and what the context permits did not help; or
    /// the group was killed. Nothing is charged.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The amount is negative or larger than the largest charge, or the
    /// kind is unknown.</exception>
    public static MemoryCharge? Hold(MemoryKind kind, long bytes = 0)
    {
        Validate(kind, bytes);
        while (AllocationContext.ActiveGroup is { } payer)
        {
            try
            {
                return payer.Hold(kind, bytes);
            }
            catch (MemoryLimitExceededException refused) when (refused.Refusal.IsForHeir)
            {
                // Removed since it was found: its heir pays.
            }
        }

        return null;
    }

    private static MemoryGroup? FindPayer(AllocationFlags flags)
    {
        MemoryGroup? payer = (flags & AllocationFlags.Account) == 0 ? null : AllocationContext.ActiveGroup;
        return ThreadContext.Intercepts && GroupCharging.IsUncounted(payer, flags) ? null : payer;
    }

    private static void Validate(MemoryKind kind, long bytes)
    {
        GroupCharging.ValidateAmount(bytes);
        GroupCharging.ValidateKind(kind);
    }
}
