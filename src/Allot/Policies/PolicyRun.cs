// Calls of policies: foreign code, on a thread in the middle of a charge. Whatever it does, the caller gets an answer
// or the default.
//
// The mark that this thread is inside of a policy ends recursion: no policy is asked or told about what a policy does.
// It also names the group that the policy is told about, which it must not charge: a policy that allocates in the group
// whose charges it sees would make more of what it watches.

namespace Allot;

internal static class PolicyRun
{
    // Threads inside of a policy, in the whole process; so that others look at one word that hardly ever changes.
    private static int s_threadsInside;

    [ThreadStatic] private static MemoryGroup? t_subject;

    /// <summary>Whether this thread is inside of a policy.</summary>
    public static bool IsInside => Volatile.Read(ref s_threadsInside) != 0 && t_subject is not null;

    /// <summary>Whether this thread is inside of a policy that must not charge the group.</summary>
    public static bool Forbids(MemoryGroup group) =>
        Volatile.Read(ref s_threadsInside) != 0 && t_subject is { } subject && group.IsAtOrBelow(subject);

    /// <summary>Whether a policy of the tree has the point.</summary>
    public static bool IsWatched(MemoryController controller, PolicyPoint point) =>
        (controller.WatchedPoints & (1 << (int)point)) != 0;

    /// <summary>The policies in force at a group: its own, and those of the groups above, from the group up.</summary>
    public static IEnumerable<PolicyAttachment> Over(MemoryGroup group)
    {
        for (MemoryGroup? level = group; level is not null; level = level.Parent)
        {
            if (level.Policy?.Watcher is PolicyAttachment attachment) yield return attachment;
        }
    }

    /// <summary>Tells a policy.</summary>
    public static void Tell(PolicyAttachment attachment, in PolicyNotice notice, Action<PolicyNotice> handler)
    {
        TryAsk(
            attachment,
            notice,
            told =>
            {
                handler(told);
                return true;
            },
            out bool _);
    }

    /// <summary>Asks a policy, in an atomic context.</summary>
    /// <returns>False when it gave no answer.</returns>
    public static bool TryAsk<TAnswer>(
        PolicyAttachment attachment, PolicyNotice notice, Func<PolicyNotice, TAnswer> handler, out TAnswer? answer)
    {
        answer = default;
        if (IsInside) return false;
        Interlocked.Increment(ref s_threadsInside);
        t_subject = notice.Group;
        try
        {
            using ForeignScope scope = ForeignScope.Enter();
            using ThreadScope atomic = AllocationScope.Atomic();
            answer = handler(notice);
            return true;
        }
        catch (Exception exception)
        {
            Report(attachment, notice, exception);
            return false;
        }
        finally
        {
            t_subject = null;
            Interlocked.Decrement(ref s_threadsInside);
        }
    }

    /// <summary>A policy has failed: counted, and reported once for each group.</summary>
    public static void Report(PolicyAttachment attachment, in PolicyNotice notice, Exception exception)
    {
        if (attachment.Group.Count(EventKind.PolicyErrors) != 1) return;
        TraceReport.Error(
            $"the policy {attachment.Policy.Name} of '{attachment.Group.Path}' has failed at {notice.Point} of "
            + $"'{notice.Group.Path}': {TraceReport.Describe(exception)}. The default was done. Further cases in this "
            + "group are only counted (PolicyErrors).");
    }
}
