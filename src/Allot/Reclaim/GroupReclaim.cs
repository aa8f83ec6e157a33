// Registering reclaimers, and reclaiming.
//
// One thread at a time reclaims for a target. A charge that finds another at work waits for it, and if that freed
// something tries its luck instead of taking more. The wait is bounded: the reclaimers of the other may wait for a lock
// that the waiting thread holds.

using System.Diagnostics;

namespace Allot;

/// <summary>Giving memory back: reclaimers of a group, and reclaim on demand.</summary>
/// <remarks>All methods may be used from any thread.</remarks>
public static class GroupReclaim
{
    /// <summary>Rounds without progress that end a reclaim.</summary>
    internal const int IdleRoundsMax = 16;

    extension(MemoryGroup group)
    {
        /// <summary>Lets a reclaimer be asked when this group or one above it needs memory.</summary>
        /// <param name="reclaimer">What gives memory of this group back. One may be registered in many groups.</param>
        /// <param name="options">How it wants to be asked; the defaults when null.</param>
        /// <returns>Dispose it to unregister. Removal of the group does the same; what the reclaimer still holds is
        /// then the parent's.</returns>
        /// <exception cref="InvalidOperationException">The group was removed, or the reclaimer is registered in it
        /// already.</exception>
        /// <exception cref="ArgumentOutOfRangeException">The cost is negative, the batch is not positive, or the kind
        /// is unknown.</exception>
        public IDisposable Register(IReclaimer reclaimer, ReclaimerOptions? options = null)
        {
            ArgumentNullException.ThrowIfNull(reclaimer);
            options ??= new ReclaimerOptions();
            options.Validate();
            ReclaimState state = ReclaimState.Ensure(group);
            var registration = new ReclaimerRegistration(group, state, reclaimer, options);

            // Removal makes the group offline first and closes the state second. One of the two is seen here.
            bool added = state.TryAdd(registration);
            if (added && group.State != MemoryGroupState.Offline) return registration;
            registration.Dispose();
            throw new InvalidOperationException($"Cannot register a reclaimer in '{group.Path}': it was removed.");
        }

        /// <summary>Asks the reclaimers of the group and of all groups below it to give memory back. Blocks while they
        /// run.</summary>
        /// <param name="bytes">How much, 0 or more.</param>
        /// <returns>The bytes that were really given back: more if a reclaimer gave more than it was asked for, less if
        /// there was no more or another thread was reclaiming here for too long, and 0 when called by a reclaimer,
        /// or where the context does not permit to reclaim.</returns>
        /// <remarks>Protection of the groups below is honoured; the group's own is not. Reclaimers that need what the
        /// scopes of the caller forbid are not called.</remarks>
        /// <exception cref="ArgumentOutOfRangeException">The amount is negative.</exception>
        public long Reclaim(long bytes)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(bytes);
            if (bytes == 0 || !MayReclaim(group, out ReclaimContext context)) return 0;
            if (ReclaimState.Of(group) is not { } state) return 0;

            long freed = 0;
            for (int idle = 0; idle < IdleRoundsMax && freed < bytes; idle++)
            {
                if (!state.Gate.TryEnter(group.Controller.ReclaimWaitMax)) break;
                try
                {
                    var walk = new ReclaimWalk(group, state, context) { WantedBytes = bytes - freed };
                    walk.Run();
                    state.AddFreed(walk.FreedBytes);
                    freed += walk.FreedBytes;
                    if (walk.FreedBytes > 0) idle = -1;
                    if (!walk.FoundAny) break;
                }
                finally
                {
                    state.Gate.Exit();
                }
            }

            return freed;
        }

        /// <summary>Makes room below the limit of this group for a charge that it has refused.</summary>
        /// <param name="bytes">The charge.</param>
        /// <param name="context">What the charging code may do.</param>
        /// <returns>The bytes that were given back, by this thread or by the one it has waited for. 0: it is in vain,
        /// or another thread was at it for too long.</returns>
        internal long ReclaimForCharge(long bytes, ReclaimContext context)
        {
            Debug.Assert(bytes > 0, "Nothing always fits.");
            if (ReclaimScope.IsReclaiming) return 0;
            if (ReclaimState.Of(group) is not { } state) return 0;

            if (!state.TryEnterGate(group.Controller.ReclaimWaitMax, out long freedByOthers)) return freedByOthers;
            try
            {
                return group.ReclaimForChargeUnderGate(state, bytes, context);
            }
            finally
            {
                state.Gate.Exit();
            }
        }

        private long ReclaimForChargeUnderGate(ReclaimState state, long bytes, ReclaimContext context)
        {
            for (int idle = 0; idle < IdleRoundsMax; idle++)
            {
                long used = context.Counter(group).ReadUsed(out long max);
                long missing = bytes - Math.Max(max - used, -MemoryGroup.MaxChargeBytes);
                long quantum = ReclaimQuantum.Of(max);
                long wanted = Math.Max(1, Math.Max(missing, quantum));
                var walk = new ReclaimWalk(group, state, context)
                {
                    WantedBytes = wanted,
                    SlackBytes = Math.Max(wanted / 8, quantum),
                };
                walk.Run();
                state.AddFreed(walk.FreedBytes);
                if (walk.FreedBytes > 0 || !walk.FoundAny) return walk.FreedBytes;
            }

            return 0;
        }
    }

    private static bool MayReclaim(MemoryGroup group, out ReclaimContext context)
    {
        context = ReclaimContext.Current;
        if (AllocationChecks.IsEnabled) AllocationChecks.CheckOrder(AllocationFlags.Kernel, group);
        bool isForbidden = (ThreadContext.Restrictions & AllocationRestrictions.NoReclaim) != 0;
        return !isForbidden && (context.Forbidden & ReclaimNeeds.Blocking) == 0 && !ReclaimScope.IsReclaiming;
    }
}
