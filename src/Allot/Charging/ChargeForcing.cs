// Charges that cannot fail: limits or not, and each limit that is passed counts it.

using System.Diagnostics;

namespace Allot;

internal static class ChargeForcing
{
    extension(MemoryGroup group)
    {
        /// <summary>Charges every level, and counts on each whose limit is passed.</summary>
        internal void Force(CounterKind counter, long bytes)
        {
            Debug.Assert(bytes is >= 0 and <= MemoryGroup.MaxChargeBytes, "The caller has checked the amount.");
            EventKind forced = counter switch
            {
                CounterKind.Memory => EventKind.MemoryForced,
                CounterKind.Kernel => EventKind.KernelForced,
                _ => EventKind.PinsForced,
            };
            for (MemoryGroup? level = group; level is not null; level = level.Parent)
            {
                if (level.Counter(counter).ForceChargeLevel(bytes)) level.Count(forced);
            }
        }
    }
}
