// What is pinned cannot be reclaimed, as long as it is used. What a pool keeps for later is another matter: before a
// limit of pins refuses, the pools below it let go of what is missing. Either there is enough of it, or it stays.

using System.Diagnostics;

namespace Allot;

internal static class IdlePins
{
    /// <summary>Makes room below the limit of pins that has refused, from what nobody uses.</summary>
    /// <param name="limiter">Whose limit it is.</param>
    /// <param name="missingBytes">How much room is missing, 1 or more.</param>
    /// <returns>Whether any was made: less than is missing where others have used it meanwhile.</returns>
    public static bool TryFree(MemoryGroup limiter, long missingBytes)
    {
        Debug.Assert(missingBytes > 0, "Where nothing is missing nobody refuses.");
        if (limiter.Policy is null) return false;
        List<IIdlePins> idle = FindBelow(limiter);
        Int128 held = 0;
        foreach (IIdlePins one in idle) held += one.IdlePinBytes;
        if (held < missingBytes) return false;
        long freed = 0;
        foreach (IIdlePins one in idle)
        {
            freed += one.FreePins(missingBytes - freed);
            if (freed >= missingBytes) break;
        }

        return freed > 0;
    }

    private static List<IIdlePins> FindBelow(MemoryGroup limiter)
    {
        List<IIdlePins> found = [];
        var pending = new Stack<MemoryGroup>([limiter]);
        while (pending.TryPop(out MemoryGroup? group))
        {
            if (group.Policy?.Attachment is ReclaimState { Registrations.Length: > 0 } state)
            {
                foreach (ReclaimerRegistration registration in state.Registrations)
                {
                    if (registration.Reclaimer is IIdlePins idle) found.Add(idle);
                }
            }

            foreach (MemoryGroup child in group.ChildrenWithPolicy) pending.Push(child);
        }

        return found;
    }
}
