// Who pays: user and kernel memory charged to a group.
//
// Order (U and K). A kernel charge goes to Kernel first and then to Memory, the whole that it is a part of; if Memory
// refuses, Kernel is given back. User memory goes to Memory alone. Peaks are raised only after every counter has
// agreed, so a refused charge leaves no trace but its event (I5).
//
// Most charges are spent from what the thread holds in advance (ThreadReserves) and end in the first lines here.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Allot;

/// <summary>Charging memory to a group.</summary>
/// <remarks>All methods may be used from any thread. None of them waits for room, save for <c>Charge</c> where it has
/// to reclaim, waits for killed groups, or is above a high limit; near a limit they take the lock of the tree for as
/// long as it takes to count. Once a group is in use none of them allocates on success: the first kernel charge of a
/// group, and the first busy group of a thread, do. While <see cref="AllocationChecks"/> are on, each throws
/// <see cref="AllocationDeniedException"/> where the context denies allocations.</remarks>
public static class GroupCharging
{
    extension(MemoryGroup group)
    {
        /// <summary>Charges the group and all its ancestors, or nobody.</summary>
        /// <param name="kind">Whether the memory is the tenant's or the host's on its behalf.</param>
        /// <param name="bytes">0 to <see cref="MemoryGroup.MaxChargeBytes"/>.</param>
        /// <param name="refusal">When false is returned: who refused, and why. Otherwise the default value.</param>
        /// <returns>True when the bytes are charged; they must be uncharged once. False when a limit refused, or the
        /// group was removed or killed: then nothing has changed but the events of the limiter.</returns>
        /// <exception cref="ArgumentOutOfRangeException">The amount is negative or larger than the largest charge, or
        /// the kind is unknown.</exception>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public bool TryCharge(MemoryKind kind, long bytes, out ChargeRefusal refusal)
        {
            if (kind == MemoryKind.Kernel && group.PassesKernelMemory(bytes))
            {
                refusal = default;
                return true;
            }

            return group.TryChargeCounted(kind, bytes, out refusal);
        }

        private bool TryChargeCounted(MemoryKind kind, long bytes, out ChargeRefusal refusal)
        {
            refusal = default;
            return group.TrySpendInFirst(kind, bytes) || group.TryChargeElsewhere(kind, bytes, out refusal);
        }

        /// <summary>Charges the group and all its ancestors. Where a limit refuses, the reclaimers below it are asked
        /// for room first, and then the out-of-memory policy: it blocks while they run, and while groups that were
        /// killed let go. Where it leaves a group above its high limit it reclaims too, and is delayed for at most
        /// <see cref="MemoryControllerOptions.HighDelayMax"/>.</summary>
        /// <param name="kind">Whether the memory is the tenant's or the host's on its behalf.</param>
        /// <param name="bytes">0 to <see cref="MemoryGroup.MaxChargeBytes"/>.</param>
        /// <exception cref="MemoryLimitExceededException">A limit refused and nothing more could be reclaimed, or the
        /// group was removed or killed; nothing is charged.</exception>
        /// <exception cref="ArgumentOutOfRangeException">The amount is negative or larger than the largest charge, or
        /// the kind is unknown.</exception>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Charge(MemoryKind kind, long bytes)
        {
            if (kind == MemoryKind.Kernel && group.PassesKernelMemory(bytes)) return;
            group.ChargeCounted(kind, bytes);
        }

        private void ChargeCounted(MemoryKind kind, long bytes)
        {
            if (!group.TrySpendInFirst(kind, bytes)) group.ChargeElsewhere(kind, bytes, AllocationFlags.Kernel);
        }

        /// <summary>The same for a call that says itself what may be done to find room. The scopes around it can only
        /// permit less.</summary>
        /// <param name="kind">Whether the memory is the tenant's or the host's on its behalf.</param>
        /// <param name="bytes">0 to <see cref="MemoryGroup.MaxChargeBytes"/>.</param>
        /// <param name="flags">What may be done, and how hard to try; <see cref="AllocationFlags.Kernel"/> is what
        /// <c>Charge</c> says otherwise. <see cref="AllocationFlags.Account"/> is of no account here: the call names
        /// the group.</param>
        /// <exception cref="MemoryLimitExceededException">A limit refused, and what the context permits did not help;
        /// or the group was removed or killed. Nothing is charged.</exception>
        /// <exception cref="MustSucceedInAtomicException">The charge must succeed, and the context is
        /// atomic.</exception>
        /// <exception cref="ArgumentException">The charge must succeed, and may not reclaim.</exception>
        /// <exception cref="ArgumentOutOfRangeException">The amount is negative or larger than the largest charge, or
        /// the kind or a flag is unknown.</exception>
        public void Charge(MemoryKind kind, long bytes, AllocationFlags flags)
        {
            AllocationContext.MightAllocate(flags, group);
            group.ChargeAs(kind, bytes, flags);
        }

        internal void ChargeAs(MemoryKind kind, long bytes, AllocationFlags flags)
        {
            if (kind == MemoryKind.Kernel && group.PassesKernelMemory(bytes)) return;
            if (!group.TrySpendInFirst(kind, bytes)) group.ChargeElsewhere(kind, bytes, flags);
        }

        /// <summary>Charges the group and all its ancestors, limits or not: for memory that exists already or whose
        /// owner cannot fail. Passing a limit is counted as an event.</summary>
        /// <param name="kind">Whether the memory is the tenant's or the host's on its behalf.</param>
        /// <param name="bytes">0 to <see cref="MemoryGroup.MaxChargeBytes"/>.</param>
        /// <remarks>On a removed group the parent is charged: the group's own limit acts no more. A killed group is
        /// charged as ever.</remarks>
        /// <exception cref="ArgumentOutOfRangeException">The amount is negative or larger than the largest charge, or
        /// the kind is unknown.</exception>
        public void ForceCharge(MemoryKind kind, long bytes)
        {
            ValidateAmount(bytes);
            ValidateKind(kind);
            if (ThreadContext.Intercepts && IsUncounted(group, AllocationFlags.None)) return;
            if (kind == MemoryKind.Kernel)
            {
                if (!group.CountsKernelMemory && group.TryPassKernelMemory()) return;
                group.Force(CounterKind.Kernel, bytes);
            }

            group.Force(CounterKind.Memory, bytes);
            ReclaimScope.NoteCharged(group, kind, bytes);
            if (group.Memory.NeedsLook) group.LookAfterCharge(kind, bytes);
        }

        /// <summary>Gives bytes back that were charged to this group with the same kind. Never throws for what it
        /// finds.</summary>
        /// <param name="kind">The kind they were charged with.</param>
        /// <param name="bytes">0 to <see cref="MemoryGroup.MaxChargeBytes"/>, at most what is charged.</param>
        /// <remarks>Giving back more than the group holds is a mistake of the caller: the excess is ignored, counted in
        /// <see cref="MemoryEvents.AccountingErrors"/>, and reported once per group to <see cref="Trace"/>. After
        /// removal of the group the bytes return to its parent.</remarks>
        /// <exception cref="ArgumentOutOfRangeException">The amount is negative or larger than the largest charge, or
        /// the kind is unknown.</exception>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Uncharge(MemoryKind kind, long bytes)
        {
            if (kind == MemoryKind.Kernel && group.PassesKernelMemory(bytes)) return;
            group.UnchargeCounted(kind, bytes);
        }

        private void UnchargeCounted(MemoryKind kind, long bytes)
        {
            nint slots = ThreadPlaces.Slots;   // first: see TrySpendInFirst
            bool isKept = group.CounterIfAny(kind) is { } counter
                && ThreadReserves.TryKeepInFirst(slots, counter, bytes);
            if (!isKept) group.UnchargeElsewhere(kind, bytes);
        }

        /// <summary>Gives back what is known to be counted, whatever the scopes of the caller say.</summary>
        internal void UnchargeRecorded(MemoryKind kind, long bytes)
        {
            if (group.CounterIfAny(kind) is not { } counter || !ThreadReserves.TryKeep(counter, bytes))
            {
                group.UnchargeTreeRecorded(kind, bytes);
            }
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private bool TryChargeElsewhere(MemoryKind kind, long bytes, out ChargeRefusal refusal)
        {
            if (group.TrySpendElsewhere(kind, bytes))
            {
                refusal = default;
                return true;
            }

            if (!group.TryChargeTreeInScope(kind, bytes, out bool needsLook, out refusal)) return false;
            if (needsLook) group.LookAfterCharge(kind, bytes);
            return true;
        }

        private bool TryChargeTreeInScope(
            MemoryKind kind, long bytes, out bool needsLook, out ChargeRefusal refusal)
        {
            needsLook = false;
            refusal = default;
            if (ThreadContext.Intercepts)
            {
                ValidateAmount(bytes);
                ValidateKind(kind);
                if (IsUncounted(group, AllocationFlags.None)) return true;
            }

            if (!group.TryChargeTree(kind, bytes, out refusal)) return false;
            needsLook = group.Memory.NeedsLook;
            return true;
        }

        /// <summary>TryCharge for who holds a lock: what is to be done above a high limit is left to the caller.
        /// </summary>
        /// <param name="kind">The kind of memory.</param>
        /// <param name="bytes">An amount.</param>
        /// <param name="needsLook">Whether the charge stands, with a level past its high limit or watched.</param>
        /// <param name="refusal">When false is returned: who refused, and why.</param>
        internal bool TryChargeLocked(MemoryKind kind, long bytes, out bool needsLook, out ChargeRefusal refusal)
        {
            needsLook = false;
            refusal = default;
            if (kind == MemoryKind.Kernel && group.PassesKernelMemory(bytes)) return true;
            if (group.TrySpendInFirst(kind, bytes) || group.TrySpendElsewhere(kind, bytes)) return true;
            return group.TryChargeTreeInScope(kind, bytes, out needsLook, out refusal);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private void ChargeElsewhere(MemoryKind kind, long bytes, AllocationFlags flags)
        {
            if (group.TrySpendElsewhere(kind, bytes)) return;
            if (ThreadContext.Intercepts)
            {
                ValidateAmount(bytes);
                ValidateKind(kind);
                if (IsUncounted(group, flags)) return;
            }

            if (!group.TryChargeTree(kind, bytes, out ChargeRefusal refusal))
            {
                var effort = ChargeEffort.Of(flags);
                if (!group.TryChargeAfterReclaim(kind, bytes, ref refusal, effort)
                    && !group.TryChargeAfterKill(kind, bytes, ref refusal, effort))
                {
                    group.ChargePastLimit(kind, bytes, refusal, effort);
                    return;
                }
            }

            if (group.Memory.NeedsLook) group.SlowDown(kind, bytes, ChargeEffort.Of(flags));
        }

        /// <summary>Charges what was refused where the context says that it must not fail.</summary>
        /// <exception cref="MemoryLimitExceededException">It may fail.</exception>
        internal void ChargePastLimit(MemoryKind kind, long bytes, ChargeRefusal refusal, ChargeEffort effort)
        {
            Debug.Assert(refusal.Reason != RefusalReason.None, "Only what was refused passes a limit.");
            bool isByLimit = refusal.Limiter is not null;
            bool mayPass = !effort.MayFail || (isByLimit && effort.MayUseReserve);
            if (!mayPass) throw new MemoryLimitExceededException(refusal);
            if (AllocationChecks.IsEnabled && effort.IsBlindlyEager) AllocationChecks.NoteMustSucceed();
            group.ForceCharge(kind, bytes);
        }

        /// <summary>TryCharge for who looks at what is above a high limit, or watched, afterwards.</summary>
        internal bool TryChargeQuietly(MemoryKind kind, long bytes, out ChargeRefusal refusal) =>
            group.TryChargeLocked(kind, bytes, out _, out refusal);

        /// <summary>What is to be done where <see cref="MemoryCounter.NeedsLook"/> after a charge that is not held up.
        /// </summary>
        internal void LookAfterCharge(MemoryKind kind, long bytes)
        {
            PolicyQuestions.TellCharged(group, kind, bytes);
            group.ReclaimAboveHighLater();
        }

        /// <summary>Reclaims for a charge that stands above a high limit, and delays it, as far as it may; tells those
        /// who watch.</summary>
        internal void SlowDown(MemoryKind kind, long bytes, ChargeEffort effort)
        {
            Debug.Assert(!group.Controller.TreeLock.IsHeldByCurrentThread, "Nobody is held up under that lock.");
            TimeSpan delay = PolicyQuestions.Charged(group, kind, bytes);
            if (effort.MayReclaim)
            {
                if (delay > TimeSpan.Zero) group.DelayFor(delay, effort.ReclaimContext);
                group.Throttle(bytes, effort.ReclaimContext);
            }
            else if (effort.MayReclaimInBackground)
            {
                group.ReclaimAboveHighLater();
            }
        }

        internal bool TryChargeTree(MemoryKind kind, long bytes, out ChargeRefusal refusal)
        {
            ValidateAmount(bytes);
            ValidateKind(kind);
            Debug.Assert(!group.Controller.TreeLock.IsHeldByCurrentThread, "Nobody charges under that lock.");
            refusal = default;
            MemoryCounter? limiter = null;
            if (PolicyRun.Forbids(group))
            {
                CounterKind counter = kind == MemoryKind.Kernel ? CounterKind.Kernel : CounterKind.Memory;
                refusal = new ChargeRefusal(group, counter, bytes, RefusalReason.InPolicy);
                return false;
            }

            bool isOnline = group.State == MemoryGroupState.Online;
            if (isOnline && !group.Counts(kind) && group.TryPassKernelMemory()) return true;
            if (isOnline && group.CounterOf(kind).TryCharge(bytes, out limiter))
            {
                if (PressureScope.IsAnyStalled) PressureScope.NoteBusy(group);
                ReclaimScope.NoteCharged(group, kind, bytes);
                return true;
            }

            refusal = limiter is null ? group.RefuseEnded(kind, bytes) : group.Refuse(limiter, bytes);
            return false;
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        private void UnchargeElsewhere(MemoryKind kind, long bytes)
        {
            if (group.CounterIfAny(kind) is { } counter && ThreadReserves.TryKeepElsewhere(counter, bytes)) return;
            ValidateAmount(bytes);
            ValidateKind(kind);
            if (ThreadContext.Intercepts && ThreadContext.BlocksAccounting) return;
            group.UnchargeTreeRecorded(kind, bytes);
        }

        private void UnchargeTreeRecorded(MemoryKind kind, long bytes)
        {
            if (!group.Counts(kind)) return;
            PolicyQuestions.Uncharged(group, kind, bytes);
            long missing = group.CounterOf(kind).Uncharge(bytes);
            Debug.Assert(missing >= 0, "More is never given back than was asked.");
            Debug.Assert(missing <= bytes, "What is missing is a part of what was asked.");
            bool mayMiss = kind == MemoryKind.Kernel && group.KernelAccounting.HadUncounted;
            if (missing > 0 && !mayMiss) group.ReportAccountingError(bytes, missing);
            ReclaimScope.NoteUncharged(group, kind, bytes - missing);
        }

        /// <summary>The fastest way for one thread to charge a group again and again.</summary>
        /// <param name="kind">The kind of memory that the handle charges.</param>
        /// <returns>A handle for the calling thread.</returns>
        /// <exception cref="ArgumentOutOfRangeException">The kind is unknown.</exception>
        public GroupHandle Handle(MemoryKind kind = MemoryKind.User)
        {
            ValidateKind(kind);
            return new GroupHandle(group, kind);
        }

        // Kernel memory that is not counted costs this branch.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private bool PassesKernelMemory(long bytes) =>
            (!KernelAccountingSwitch.IsOn || group.KernelAccounting.Passes)
            && (ulong)bytes <= MemoryGroup.MaxChargeBytes;

        /// <summary>Charges from what this thread holds in advance, where most of that lies. Looks at nothing else.
        /// </summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal bool TrySpendInFirst(MemoryKind kind, long bytes)
        {
            nint slots = ThreadPlaces.Slots;   // first: what is known before that call has to be saved for it
            return group.TrySpendIn(slots, kind, bytes);
        }

        /// <summary>The same with <see cref="ThreadPlaces.Slots"/> in hand.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        internal bool TrySpendIn(nint slots, MemoryKind kind, long bytes)
        {
            Debug.Assert(slots == 0 || !ThreadContext.BlocksAccounting, "Where nobody pays, nothing held is spent.");
            return kind == MemoryKind.User
                ? ThreadReserves.TrySpendInFirst(slots, group.Memory, bytes)
                : group.CounterIfAny(kind) is { } counter && ThreadReserves.TrySpendInFirst(slots, counter, bytes);
        }

        private bool TrySpendElsewhere(MemoryKind kind, long bytes) =>
            group.CounterIfAny(kind) is { } counter && ThreadReserves.TrySpendElsewhere(counter, bytes);

        /// <summary>Whether charges of the kind are counted.</summary>
        internal bool Counts(MemoryKind kind) => kind == MemoryKind.User || group.CountsKernelMemory;

        internal MemoryCounter CounterOf(MemoryKind kind) => kind == MemoryKind.User ? group.Memory : group.Kernel;

        // Null also for a kind that does not exist.
        private MemoryCounter? CounterIfAny(MemoryKind kind) => kind switch
        {
            MemoryKind.User => group.Memory,
            MemoryKind.Kernel => group.KernelIfAny,
            _ => null,
        };
    }

    internal static void ValidateAmount(long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, MemoryGroup.MaxChargeBytes);
    }

    /// <summary>Looks at the scopes of a charge that is about to be made.</summary>
    /// <param name="group">Who is charged; null when nobody is.</param>
    /// <param name="flags">What it may do.</param>
    /// <returns>Whether nobody pays for it.</returns>
    /// <exception cref="AllocationDeniedException">The context denies allocations.</exception>
    internal static bool IsUncounted(MemoryGroup? group, AllocationFlags flags)
    {
        if (AllocationChecks.IsEnabled) AllocationChecks.CheckCharge(flags, group);
        return ThreadContext.BlocksAccounting;
    }

    internal static void ValidateKind(MemoryKind kind)
    {
        if (kind is not (MemoryKind.User or MemoryKind.Kernel))
        {
            throw new ArgumentOutOfRangeException(nameof(kind), kind, "The kind is User or Kernel.");
        }
    }
}
