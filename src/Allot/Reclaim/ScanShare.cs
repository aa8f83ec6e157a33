// How much one reclaimer is asked for in one round: in proportion to what it holds, by its cost, in batches, and what
// is too little for a batch is kept for later. The formulas are those of Linux' shrinkers, in bytes for objects.
//
//   delta     what the round wants: held / 2^priority * 4 / cost; half of what is held when the cost is 0
//   total     min(deferred / 2^priority + delta, 2 * held)
//   asked     batch after batch, while total >= batch or total >= held
//   deferred  min(max(deferred + delta - asked, 0), 2 * held)
//
// What differs: in Linux protection lowers the share of page lists only; here (Unprotected) that of every reclaimer.

using System.Diagnostics;

namespace Allot;

internal static class ScanShare
{
    /// <summary>The priority that a reclaim begins with: one 4096th of what is held. At 0 it is everything.</summary>
    public const int FirstPriority = 12;

    /// <summary>No reclaimer holds more: 2^60 bytes. The sums below cannot wrap.</summary>
    public const long HeldBytesMax = 1L << 60;

    public static long Delta(long heldBytes, int priority, int cost)
    {
        Debug.Assert(heldBytes is >= 0 and <= HeldBytesMax, "What is held was bounded.");
        Debug.Assert(priority is >= 0 and <= FirstPriority, "Priorities go from 12 down to 0.");
        Debug.Assert(cost >= 0, "A cost is never negative.");
        return cost == 0 ? heldBytes / 2 : (heldBytes >> priority) * 4 / cost;
    }

    public static long Total(long deferredBytes, long deltaBytes, long heldBytes, int priority) =>
        Math.Min((deferredBytes >> priority) + deltaBytes, 2 * heldBytes);

    public static bool IsWorthAsking(long totalBytes, long batchBytes, long heldBytes) =>
        totalBytes > 0 && (totalBytes >= batchBytes || totalBytes >= heldBytes);

    public static long Deferred(long deferredBytes, long deltaBytes, long askedBytes, long heldBytes) =>
        Math.Clamp(deferredBytes + deltaBytes - askedBytes, 0, 2 * heldBytes);

    /// <summary>The part of what is held that protection leaves open, and at least a batch: a group that is hardly
    /// above its protection gives a little, and the groups that are far above it give most.</summary>
    public static long Unprotected(long heldBytes, long usedBytes, long protectedBytes, long batchBytes)
    {
        if (protectedBytes == 0) return heldBytes;
        Int128 whole = (Int128)Math.Max(usedBytes, protectedBytes) + 1;
        long left = heldBytes - (long)(heldBytes * (Int128)protectedBytes / whole);
        return Math.Max(left, Math.Min(heldBytes, batchBytes));
    }

    public static long Batch(long? configuredBytes, long heldBytes) =>
        configuredBytes ?? Math.Clamp(heldBytes / 16, 1, ReclaimerOptions.DefaultBatchBytesMax);
}
