// Two candidates that rate the same: the one met first, which is the older one among siblings that were never removed.

namespace Allot;

internal sealed class RefusePolicy : IOutOfMemoryPolicy
{
    public OutOfMemoryChoice Choose(OutOfMemoryContext context) =>
        OutOfMemoryChoice.Refuse("the policy kills nobody");
}

internal sealed class LargestPolicy : IOutOfMemoryPolicy
{
    public OutOfMemoryChoice Choose(OutOfMemoryContext context)
    {
        return LargestOf(context.Candidates) is { Bytes: > 0 } largest
            ? OutOfMemoryChoice.Kill(largest.Group, $"it holds the most by itself, {largest.Bytes} bytes")
            : OutOfMemoryChoice.Refuse("no group that may be killed holds any bytes");
    }

    public static OutOfMemoryCandidate? LargestOf(IEnumerable<OutOfMemoryCandidate> candidates) =>
        candidates.MaxBy(static candidate => candidate.Bytes);
}

internal sealed class PriorityPolicy : IOutOfMemoryPolicy
{
    public OutOfMemoryChoice Choose(OutOfMemoryContext context)
    {
        int highest = OutOfMemoryPolicy.NeverKilled;
        foreach (OutOfMemoryCandidate candidate in context.Candidates)
        {
            if (candidate.Bytes > 0) highest = Math.Max(highest, candidate.Priority);
        }

        // Those below do not compete, and the record should show that.
        foreach (OutOfMemoryCandidate candidate in context.Candidates)
        {
            if (candidate.Priority < highest) candidate.Score = 0;
        }

        var competing = context.Candidates.Where(candidate => candidate.Priority == highest);
        return LargestPolicy.LargestOf(competing) is { Bytes: > 0 } largest
            ? OutOfMemoryChoice.Kill(
                largest.Group, $"of those with priority {highest} it holds the most by itself, {largest.Bytes} bytes")
            : OutOfMemoryChoice.Refuse("no group that may be killed holds any bytes");
    }
}
