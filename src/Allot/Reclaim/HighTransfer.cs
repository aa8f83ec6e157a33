// A transfer that leaves its target above a high limit. It is not held up, as what begins with Try never is; but the
// bytes are owed by the target, as those of a charge are that was not delayed for: its next Charge pays for both.
//
// Levels that source and target share hold the bytes before and after: nothing new is owed for them. But what the
// source owed for the bytes leaves it with them, and goes along as long as a level is above its limit: bytes that move
// to and fro are owed once, and a move within a group that is above its limit pays no debt.

using System.Diagnostics;

namespace Allot;

internal static class HighTransfer
{
    extension(MemoryGroup group)
    {
        /// <summary>Takes the debt back from where the bytes come from. Counts every level that a transfer has left
        /// above its high limit, notes the debt, and lets a thread of the pool reclaim. Called without locks; blocks
        /// for nothing.</summary>
        /// <param name="source">Where the bytes come from.</param>
        /// <param name="bytes">What this group has got.</param>
        internal void OweTransferAboveHigh(MemoryGroup source, long bytes)
        {
            Debug.Assert(bytes >= 0, "Less than nothing is never moved.");
            if (bytes == 0) return;
            long owed = ReclaimState.Of(source)?.TakeHighDebt(bytes) ?? 0;
            if (!group.Memory.IsPastHigh) return;
            bool isAbove = false;
            MemoryCounter? shared = group.Memory.FindShared(source.Memory);
            for (MemoryGroup? level = group; level is not null && level.Memory != shared; level = level.Parent)
            {
                if (!level.LookAboveHigh()) continue;
                level.Count(EventKind.High);
                isAbove = true;
            }

            if (isAbove) owed = bytes;
            if (owed > 0) ReclaimState.FindOrEnsure(group).GiveHighDebt(owed);
            if (isAbove) group.ReclaimAboveHighLater();
        }
    }
}
