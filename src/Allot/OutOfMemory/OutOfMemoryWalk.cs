// From the limiter down: who could be killed, and who was killed already and has not let go yet. Groups that use
// nothing are not entered.
//
// What a group pays for the groups below it (ChargesGroupMetadata) is not its own here: it is not its doing what they
// are worth to others, it would go with all of them, and killing gives none of it back; removing them does.

using System.Diagnostics;

namespace Allot;

internal sealed class OutOfMemoryWalk
{
    private readonly List<OutOfMemoryCandidate> _candidates = [];
    private readonly List<MemoryGroup> _dying = [];

    /// <param name="shortage">What is short, and where.</param>
    /// <param name="grace">How long a killed group is waited for.</param>
    public OutOfMemoryWalk(Shortage shortage, TimeSpan grace)
    {
        var pending = new Stack<(MemoryGroup Group, long Bytes)>();
        pending.Push((shortage.Limiter, shortage.Counter.CurrentBytes));
        while (pending.TryPop(out (MemoryGroup Group, long Bytes) next))
        {
            // The readings are of different instants, so the parts can be more than the whole.
            long own = next.Bytes;
            foreach (MemoryGroup child in next.Group.Children)
            {
                long bytes = shortage.BytesOf(child);
                own = Math.Max(0, own - bytes - child.MetadataBytes);
                if (bytes > 0) pending.Push((child, bytes));
            }

            Add(next.Group, own, next.Bytes, grace);
        }
    }

    public IReadOnlyList<OutOfMemoryCandidate> Candidates => _candidates;

    /// <summary>Killed less than the grace ago, and still holding bytes of their own.</summary>
    public IReadOnlyList<MemoryGroup> Dying => _dying;

    private void Add(MemoryGroup group, long own, long total, TimeSpan grace)
    {
        Debug.Assert(own >= 0, "A group holds no less than nothing.");
        Debug.Assert(own <= total, "What a group holds itself is a part of what it holds.");
        if (group.Life?.Ending is { } ending)
        {
            if (own > 0 && ending.Age < grace) _dying.Add(group);
            return;
        }

        int priority = group.OutOfMemoryPriority;
        if (group.Parent is null || priority == OutOfMemoryPolicy.NeverKilled || total <= 0) return;
        _candidates.Add(new OutOfMemoryCandidate(group, own, total, priority));
    }
}
