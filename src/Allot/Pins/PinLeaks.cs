// What was forgotten: owners that were collected and not disposed. Their finalizers tell here, and then give the bytes
// back.

namespace Allot;

/// <summary>Pins whose owner was collected without being disposed.</summary>
public static class PinLeaks
{
    private const int Kept = 100;

    private static readonly SteadyLock s_gate = new();
    private static readonly Queue<PinReport> s_recent = new();
    private static long s_count;

    /// <summary>How many there were in the life of the process.</summary>
    public static long Count => Interlocked.Read(ref s_count);

    /// <summary>The last of them, oldest first; at most 100.</summary>
    public static IReadOnlyList<PinReport> Recent
    {
        get
        {
            using (s_gate.EnterScope()) return [.. s_recent];
        }
    }

    internal static void Report(PinAccount account) => Report(PinReport.Of(account));

    /// <summary>The same for an owner of several accounts, of which this is one.</summary>
    /// <param name="account">One of them.</param>
    /// <param name="bytes">What they hold together.</param>
    internal static void Report(PinAccount account, long bytes) =>
        Report(PinReport.Of(account) with { Bytes = bytes });

    private static void Report(PinReport report)
    {
        if (report.Bytes == 0) return;
        Interlocked.Increment(ref s_count);
        using (s_gate.EnterScope())
        {
            if (s_recent.Count == Kept) s_recent.Dequeue();
            s_recent.Enqueue(report);
        }

        if (report.Group.Count(EventKind.PinsLeaked) > 1) return;
        TraceReport.Error(
            $"{report} was collected and not disposed. The bytes were given back. Further cases in this group are only "
            + "counted (PinsLeaked, PinLeaks.Recent).");
    }
}
