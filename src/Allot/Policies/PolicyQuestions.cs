// What the library asks of policies at each point, and what it makes of several answers. Each returns at once where no
// policy of the tree has the point.

namespace Allot;

internal static class PolicyQuestions
{
    private static readonly TimeSpan s_waitMax = TimeSpan.FromMilliseconds(int.MaxValue);   // longer ones do not exist

    /// <summary>Tells of a charge that stands. Called without locks.</summary>
    /// <returns>How long its flow is to be delayed: the longest that any policy wants, 0 to
    /// <see cref="MemoryControllerOptions.HighDelayMax"/>.</returns>
    public static TimeSpan Charged(MemoryGroup group, MemoryKind kind, long bytes)
    {
        TimeSpan longest = TimeSpan.Zero;
        if (bytes == 0 || !PolicyRun.IsWatched(group.Controller, PolicyPoint.Charged)) return longest;
        PolicyNotice notice = OfCharge(PolicyPoint.Charged, group, kind, bytes);
        for (MemoryGroup? level = group; level is not null; level = level.Parent)
        {
            if (level.Policy?.Watcher is not PolicyAttachment { Policy.Charged: { } handler } attachment) continue;
            if (!PolicyRun.TryAsk(attachment, notice, handler, out TimeSpan delay)) continue;
            if (delay > longest) longest = delay;
        }

        TimeSpan most = group.Controller.HighDelayMax;
        if (most > s_waitMax) most = s_waitMax;
        return longest < most ? longest : most;
    }

    /// <summary>Tells of a charge that is not delayed: now, or when the lock that is held around this was left.
    /// </summary>
    public static void TellCharged(MemoryGroup group, MemoryKind kind, long bytes)
    {
        if (bytes == 0 || !PolicyRun.IsWatched(group.Controller, PolicyPoint.Charged)) return;
        TellChargedAfterLocks(group, kind, bytes);
    }

    /// <summary>Tells of bytes that go back: now, or when the lock that is held around this was left.</summary>
    public static void Uncharged(MemoryGroup group, MemoryKind kind, long bytes)
    {
        if (bytes == 0 || !PolicyRun.IsWatched(group.Controller, PolicyPoint.Uncharged)) return;
        TellUnchargedAfterLocks(group, kind, bytes);
    }

    /// <summary>How long a charge above a high limit is delayed.</summary>
    /// <param name="group">Whose high limit it is.</param>
    /// <param name="requester">Who was charged.</param>
    /// <param name="bytes">How much.</param>
    /// <param name="delay">How long without a policy.</param>
    public static TimeSpan OverHigh(MemoryGroup group, MemoryGroup requester, long bytes, TimeSpan delay)
    {
        if (!PolicyRun.IsWatched(group.Controller, PolicyPoint.OverHigh)) return delay;
        for (MemoryGroup? level = group; level is not null; level = level.Parent)
        {
            if (level.Policy?.Watcher is not PolicyAttachment { Policy.OverHigh: { } handler } attachment) continue;
            var notice = new PolicyNotice(
                PolicyPoint.OverHigh, group, requester, CounterKind.Memory, bytes, group.Memory.CurrentBytes,
                group.Memory.HighBytes, delay);
            if (!PolicyRun.TryAsk(attachment, notice, handler, out TimeSpan answer)) return delay;
            return answer > TimeSpan.Zero ? answer : TimeSpan.Zero;
        }

        return delay;
    }

    /// <summary>Whether a policy protects a group from reclaim.</summary>
    /// <param name="point">Below low, or below min.</param>
    /// <param name="group">Who is about to be taken from.</param>
    /// <param name="target">For whom.</param>
    /// <param name="protectedBytes">The protection that holds now.</param>
    public static bool Protects(PolicyPoint point, MemoryGroup group, MemoryGroup target, long protectedBytes)
    {
        if (!PolicyRun.IsWatched(group.Controller, point)) return false;
        var notice = new PolicyNotice(
            point, group, target, CurrentBytes: group.Memory.CurrentBytes, LimitBytes: protectedBytes);
        for (MemoryGroup? level = group; level is not null; level = level.Parent)
        {
            if (level.Policy?.Watcher is not PolicyAttachment attachment) continue;
            Func<PolicyNotice, bool>? handler =
                point == PolicyPoint.BelowLow ? attachment.Policy.BelowLow : attachment.Policy.BelowMin;
            if (handler is null || !PolicyRun.TryAsk(attachment, notice, handler, out bool isProtected)) continue;
            if (isProtected) return true;
        }

        return false;
    }

    // Methods of their own: they allocate.
    private static void TellChargedAfterLocks(MemoryGroup group, MemoryKind kind, long bytes) =>
        TraceReport.AfterLocks(() => _ = Charged(group, kind, bytes));

    private static void TellUnchargedAfterLocks(MemoryGroup group, MemoryKind kind, long bytes) =>
        TraceReport.AfterLocks(() => TellUncharged(group, kind, bytes));

    private static void TellUncharged(MemoryGroup group, MemoryKind kind, long bytes)
    {
        PolicyNotice notice = OfCharge(PolicyPoint.Uncharged, group, kind, bytes);
        for (MemoryGroup? level = group; level is not null; level = level.Parent)
        {
            if (level.Policy?.Watcher is not PolicyAttachment { Policy.Uncharged: { } handler } attachment) continue;
            PolicyRun.Tell(attachment, notice, handler);
        }
    }

    private static PolicyNotice OfCharge(PolicyPoint point, MemoryGroup group, MemoryKind kind, long bytes)
    {
        CounterKind counter = kind == MemoryKind.Kernel ? CounterKind.Kernel : CounterKind.Memory;
        return new PolicyNotice(
            point, group, group, counter, bytes, group.CurrentBytesOf(counter), group.Counter(counter).MaxBytes);
    }
}
