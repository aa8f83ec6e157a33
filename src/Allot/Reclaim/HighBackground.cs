// Reclaim for charges that may not wait. TryCharge and ForceCharge are never held up; where
// they leave a group above its high limit, a thread of the pool reclaims a little below it. Linux says high_work.

namespace Allot;

internal static class HighBackground
{
    extension(MemoryGroup group)
    {
        /// <summary>Queues a reclaim for every level from here up that is above its high limit and could give something
        /// back; one at a time for each. Blocks for nothing.</summary>
        internal void ReclaimAboveHighLater()
        {
            if (ReclaimScope.IsReclaiming) return;
            for (MemoryGroup? level = group; level is not null; level = level.Parent)
            {
                if (!level.LookAboveHigh() || ReclaimState.Of(level) is not { } state) continue;
                if (!state.TryMarkQueued()) continue;
                ThreadPool.UnsafeQueueUserWorkItem(static level => level.ReclaimQueued(), level, preferLocal: false);
            }
        }

        private void ReclaimQueued()
        {
            ReclaimState state = ReclaimState.Of(group)!;
            try
            {
                if (!group.LookAboveHigh()) return;
                using PressureScope stalled = PressureScope.Enter(group);
                group.Count(EventKind.High);
                group.ReclaimToHigh(HighFormula.BatchBytes, default, TimeSpan.Zero);
            }
            finally
            {
                state.UnmarkQueued();
            }
        }
    }
}
