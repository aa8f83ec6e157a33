// Locked and pinned bytes charged to a group. Pins are a limit of their own: the memory behind them is charged where it
// was allocated, and what is locked and pinned at once counts twice, as the kernel counts it.

using System.Diagnostics;

namespace Allot;

/// <summary>Charging locked and pinned bytes to a group.</summary>
/// <remarks>All methods may be used from any thread. None of them blocks; on success none of them allocates, save for
/// the first use of pins in a group. They count; they do not lock or pin anything.</remarks>
public static class GroupPinning
{
    extension(MemoryGroup group)
    {
        /// <summary>Charges locked or pinned bytes to the group and all its ancestors, or to nobody.</summary>
        /// <param name="kind">How the memory is held.</param>
        /// <param name="bytes">0 to <see cref="MemoryGroup.MaxChargeBytes"/>; the kernel counts whole pages.</param>
        /// <param name="refusal">When false is returned: who refused, and why. Otherwise the default value.</param>
        /// <returns>True when the bytes are charged; they must be unpinned once. False when a limit refused, or the
        /// group was removed or killed: then nothing has changed but the events of the limiter. Nobody is asked for
        /// what he has pinned and does not use: <see cref="PinAccount"/> does that.</returns>
        /// <exception cref="ArgumentOutOfRangeException">The amount is negative or larger than the largest charge, or
        /// the kind is unknown.</exception>
        public bool TryPin(PinKind kind, long bytes, out ChargeRefusal refusal)
        {
            GroupCharging.ValidateAmount(bytes);
            ValidateKind(kind);
            refusal = default;
            if (ThreadContext.Intercepts && GroupCharging.IsUncounted(group, AllocationFlags.None)) return true;
            return group.TryPinCounted(kind, bytes, out refusal);
        }

        /// <summary>Charges locked or pinned bytes, limits or not: for what is already held. Passing a limit is counted
        /// as an event. On a removed group the parent is charged.</summary>
        /// <param name="kind">How the memory is held.</param>
        /// <param name="bytes">0 to <see cref="MemoryGroup.MaxChargeBytes"/>.</param>
        /// <exception cref="ArgumentOutOfRangeException">The amount is negative or larger than the largest charge, or
        /// the kind is unknown.</exception>
        public void ForcePin(PinKind kind, long bytes)
        {
            GroupCharging.ValidateAmount(bytes);
            ValidateKind(kind);
            if (ThreadContext.Intercepts && GroupCharging.IsUncounted(group, AllocationFlags.None)) return;
            group.ForcePinCounted(kind, bytes);
        }

        /// <summary>Gives locked or pinned bytes back. Never throws for what it finds; an excess is ignored and counted
        /// in <see cref="MemoryEvents.AccountingErrors"/>.</summary>
        /// <param name="kind">The kind they were charged with.</param>
        /// <param name="bytes">0 to <see cref="MemoryGroup.MaxChargeBytes"/>, at most what is charged.</param>
        /// <exception cref="ArgumentOutOfRangeException">The amount is negative or larger than the largest charge, or
        /// the kind is unknown.</exception>
        public void Unpin(PinKind kind, long bytes)
        {
            GroupCharging.ValidateAmount(bytes);
            ValidateKind(kind);
            if (ThreadContext.Intercepts && ThreadContext.BlocksAccounting) return;
            group.UnpinCounted(kind, bytes);
        }

        /// <summary>Charges, whatever the scopes of the caller say: for what has an owner that knows them.</summary>
        internal bool TryPinCounted(PinKind kind, long bytes, out ChargeRefusal refusal)
        {
            if (group.TryPinQuietly(kind, bytes, out refusal)) return true;
            refusal.CountPinsRefusal();
            return false;
        }

        /// <summary>The same for who may try again: the refusal is no event yet (<see
        /// cref="ChargeRefusing.CountPinsRefusal"/>).</summary>
        internal bool TryPinQuietly(PinKind kind, long bytes, out ChargeRefusal refusal)
        {
            refusal = default;
            if (group.State != MemoryGroupState.Online)
            {
                refusal = new ChargeRefusal(group, CounterKind.Pins, bytes);
                return false;
            }

            if (!group.Pins.TryCharge(bytes, out MemoryCounter? limiter))
            {
                refusal = limiter is null
                    ? new ChargeRefusal(group, CounterKind.Pins, bytes)
                    : new ChargeRefusal(group, CounterKind.Pins, bytes, (MemoryGroup)limiter.Owner!);
                return false;
            }

            group.PartOf(kind).ForceCharge(bytes);
            return true;
        }

        /// <summary>Charges, limits or not, and whatever the scopes of the caller say.</summary>
        internal void ForcePinCounted(PinKind kind, long bytes)
        {
            group.Force(CounterKind.Pins, bytes);
            group.PartOf(kind).ForceCharge(bytes);
        }

        /// <summary>Gives back what is known to be counted, whatever the scopes of the caller say.</summary>
        internal void UnpinCounted(PinKind kind, long bytes)
        {
            MemoryCounter part = group.PartOf(kind);
            long missing = part.Uncharge(bytes);
            missing += group.Pins.Uncharge(bytes - missing);
            Debug.Assert(missing >= 0, "More is never given back than was asked.");
            Debug.Assert(missing <= bytes, "What is missing is a part of what was asked.");
            if (missing > 0) group.ReportAccountingError(bytes, missing);
        }

        /// <summary>Moves what is pinned to another group, limits or not. What both groups are below holds the bytes
        /// before and after, and does not notice.</summary>
        /// <param name="target">Who pays from here on.</param>
        /// <param name="kind">Which part of the pins it is.</param>
        /// <param name="bytes">What is charged to this group.</param>
        internal void MovePins(MemoryGroup target, PinKind kind, long bytes)
        {
            if (bytes == 0 || target == group) return;
            PinCounters from = group.EnsurePins(), to = target.EnsurePins();
            PinCounters? shared = from.FindShared(to);
            for (MemoryGroup? level = target; level is not null && level.PinsIfAny != shared; level = level.Parent)
            {
                if (level.Pins.ForceChargeLevel(bytes)) level.Count(EventKind.PinsForced);
            }

            target.PartOf(kind).ForceMoveFrom(group.PartOf(kind), bytes);
            from.All.GiveBackBelow(shared?.All, bytes);
        }

        private MemoryCounter PartOf(PinKind kind) => kind switch
        {
            PinKind.Locked => group.Locked,
            _ => group.Pinned,
        };

        private PinCounters EnsurePins()
        {
            _ = group.Pins;
            return group.PinsIfAny!;
        }
    }

    internal static void ValidateKind(PinKind kind)
    {
        if (kind is not (PinKind.Locked or PinKind.Pinned))
        {
            throw new ArgumentOutOfRangeException(nameof(kind), kind, "The kind is Locked or Pinned.");
        }
    }
}
