// A transfer that leaves its target above a high limit. It is not held up, as what begins with Try never is; but the
// bytes are owed by the target, as those of a charge are that was not delayed for: its next Charge pays for both.
//
// Levels that source and target share hold the bytes before and after: nothing is owed for them.

using System.Diagnostics;

namespace Allot;

internal static class HighTransfer
{
    extension(MemoryGroup group)
    {
        /// <summary>Counts every level that a transfer has left above its high limit, notes the debt, and lets a thread
        /// of the pool reclaim. Called without locks; blocks for nothing.</summary>
        /// <param name="source">Where the bytes come from.</param>
        /// <param name="bytes">What this group has got.</param>
        internal void OweTransferAboveHigh(MemoryGroup source, long bytes)
        {
            Debug.Assert(bytes >= 0, "Less than nothing is never moved.");
            if (bytes == 0 || !group.Memory.IsPastHigh) return;
            bool isAbove = false;
            for (MemoryGroup? level = group; level is not null && !source.IsAtOrBelow(level); level = level.Parent)
            {
                if (!level.LookAboveHigh()) continue;
                level.Count(EventKind.High);
                isAbove = true;
            }

            if (!isAbove) return;
            ReclaimState.FindOrEnsure(group).GiveHighDebt(bytes);
            group.ReclaimAboveHighLater();
        }
    }
}
