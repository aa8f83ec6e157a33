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

    /// <summary>Tells of what its owner has forgotten.</summary>
    /// <param name="report">What it was.</param>
    /// <param name="isStillHeld">Whether others of the group hold the same, so that nothing returns yet.</param>
    internal static void Report(PinReport report, bool isStillHeld = false)
    {
        if (report.Bytes == 0) return;
        Interlocked.Increment(ref s_count);
        using (s_gate.EnterScope())
        {
            if (s_recent.Count == Kept) s_recent.Dequeue();
            s_recent.Enqueue(report);
        }

        if (report.Group.Count(EventKind.PinsLeaked) > 1) return;
        string end = isStillHeld
            ? "Others in the group hold it too, and the bytes return with the last of them."
            : "The bytes were given back.";
        string place = report.Place is { } from ? $" It began\n{from}" : "";
        TraceReport.Error(
            $"the owner of {report with { Place = null }} was collected and not disposed. {end} Further cases in this "
            + $"group are only counted (PinsLeaked, PinLeaks.Recent).{place}");
    }
}
