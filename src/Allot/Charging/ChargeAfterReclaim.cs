// The slow path of Charge: a limit has refused, so reclaimers get their turn before anybody hears of it.

using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Allot;

internal static class ChargeAfterReclaim
{
    extension(MemoryGroup group)
    {
        /// <summary>Whether there is anything that could make room below this limit: a policy of the group, which
        /// reclaimers need, or one for being out of memory.</summary>
        internal bool CanMakeRoom => group.Policy is not null || group.Controller.OutOfMemoryPolicyOrNull is not null
            || PolicyRun.IsWatched(group.Controller, PolicyPoint.OutOfMemory);

        /// <summary>Reclaims below the limit that refused and tries again, while that makes progress.</summary>
        /// <param name="kind">The kind that was refused.</param>
        /// <param name="bytes">The bytes that were refused.</param>
        /// <param name="refusal">The refusal; that of the last attempt when false is returned.</param>
        /// <param name="effort">What the charging code may do.</param>
        [MethodImpl(MethodImplOptions.NoInlining)]
        internal bool TryChargeAfterReclaim(
            MemoryKind kind, long bytes, ref ChargeRefusal refusal, ChargeEffort effort)
        {
            Debug.Assert(refusal.Reason != RefusalReason.None, "Only what was refused is tried again.");
            if (!effort.MayReclaim) return false;
            for (int round = 0; round < effort.ReclaimRounds; round++)
            {
                // What can never fit is refused at once: no cache is emptied for it.
                if (refusal.Limiter is not { } limiter || bytes > refusal.MaxBytes) return false;
                bool kernelOnly = refusal.Counter == CounterKind.Kernel;
                ReclaimContext context = effort.ReclaimContext with { KernelOnly = kernelOnly };
                long freed;
                using (PressureScope.EnterIf(limiter.Policy is not null, group))
                {
                    freed = limiter.ReclaimForCharge(bytes, context);
                }

                Debug.Assert(freed >= 0, "Reclaim takes nothing.");
                if (group.TryChargeQuietly(kind, bytes, out refusal)) return true;
                if (freed == 0) return false;
            }

            return false;
        }
    }
}
