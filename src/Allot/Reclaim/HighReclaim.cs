// Reclaim towards the high limit of one group, and of all groups above one that are past theirs.

using System.Diagnostics;

namespace Allot;

internal static class HighReclaim
{
    extension(MemoryGroup group)
    {
        /// <summary>One pass: counts every level from here up that is above its high limit, and reclaims below it.
        /// </summary>
        /// <param name="bytes">How much is wanted at each.</param>
        /// <param name="context">What the code that charges may do.</param>
        /// <param name="waitMax">How long to wait where another thread reclaims.</param>
        /// <returns>The bytes that were given back, by this thread or by one that it has waited for.</returns>
        internal long ReclaimPathAboveHigh(long bytes, ReclaimContext context, TimeSpan waitMax)
        {
            long freed = 0;
            for (MemoryGroup? level = group; level is not null; level = level.Parent)
            {
                if (!level.LookAboveHigh()) continue;
                level.Count(EventKind.High);
                using PressureScope stalled = PressureScope.EnterIf(level.Policy is not null, group);
                freed += level.ReclaimToHigh(bytes, context, waitMax);
            }

            return freed;
        }

        /// <summary>Whether the group is above its high limit. If it is, nothing is left in advance below it, so that
        /// each further charge sees it.</summary>
        internal bool LookAboveHigh()
        {
            MemoryCounter memory = group.Memory;
            if (memory.HighBytes == MemoryGroup.Unlimited) return false;
            if (memory.HasReserves && memory.IsPastHigh) group.Controller.Reserves.TakeBack(memory);
            return memory.AboveHighBytes > 0;
        }

        /// <summary>Reclaims once below this group, while it is above its high limit.</summary>
        /// <param name="bytes">How much is wanted, 1 or more; never much more than what is above the limit.</param>
        /// <param name="context">What the code that charges may do.</param>
        /// <param name="waitMax">How long to wait if another thread reclaims here.</param>
        /// <returns>The bytes that were given back, by this thread or by the one it has waited for.</returns>
        internal long ReclaimToHigh(long bytes, ReclaimContext context, TimeSpan waitMax)
        {
            Debug.Assert(bytes > 0, "Nothing is never wanted.");
            if (ReclaimScope.IsReclaiming || ReclaimState.Of(group) is not { } state) return 0;
            if (!state.TryEnterGate(waitMax, out long freedByOthers)) return freedByOthers;
            try
            {
                long above = group.Memory.AboveHighBytes;
                if (above == 0) return 0;
                long quantum = ReclaimQuantum.Of(group.Memory.HighBytes);
                long wanted = Math.Max(Math.Min(bytes, above), quantum);
                var walk = new ReclaimWalk(group, state, context)
                {
                    WantedBytes = wanted,
                    SlackBytes = quantum,
                };
                walk.Run();
                state.AddFreed(walk.FreedBytes);
                return walk.FreedBytes;
            }
            finally
            {
                state.Gate.Exit();
            }
        }

        /// <summary>Reclaims until use is at the high limit.</summary>
        /// <returns>The bytes that were given back.</returns>
        internal long ReclaimUntilHigh(long highBytes, CancellationToken cancellationToken)
        {
            // Progress is less in use than ever before in this call, and not what reclaimers say: so it ends.
            long freed = 0, lowest = group.Memory.CurrentBytes;
            for (int idle = 0; idle < GroupReclaim.IdleRoundsMax; idle++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                bool isStillWanted = group.State == MemoryGroupState.Online && group.HighBytes == highBytes;
                if (!isStillWanted || group.Memory.AboveHighBytes == 0) break;
                freed += group.ReclaimToHigh(long.MaxValue, default, group.Controller.ReclaimWaitMax);
                long used = group.Memory.CurrentBytes;
                if (used >= lowest) continue;
                lowest = used;
                idle = -1;
            }

            return freed;
        }
    }
}
