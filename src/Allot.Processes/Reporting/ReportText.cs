using System.Globalization;
using System.Text;

namespace Allot.Processes;

/// <summary>The report for people: what was used of what, then what was refused, then how it went.</summary>
internal static class ReportText
{
    public static string Format(ProcessGroupReport report)
    {
        var text = new StringBuilder();
        double seconds = report.DurationMilliseconds / 1000;
        text.Append(Invariant($"allot: group '{report.Group}' {Ending(report)} after {seconds:0.00} s\n"));
        text.Append("             peak         max   refused\n");
        AppendRow(text, "memory", report.Memory.PeakBytes, report.Memory.MaxBytes, report.Memory.Refused);
        AppendRow(text, "kernel", report.Kernel.PeakBytes, report.Kernel.MaxBytes, report.Kernel.Refused);
        AppendRow(text, "pins", report.Pins.PeakBytes, report.Pins.MaxBytes, report.Pins.Refused);
        if (report.Pins.PeakBytes > 0)
        {
            string locked = Size(report.Pins.LockedPeakBytes);
            text.Append($"  pins: locked {locked}, pinned {Size(report.Pins.PinnedPeakBytes)} at the most");
            text.Append(report.Pins.CurrentBytes > 0 ? $"; {Size(report.Pins.CurrentBytes)} still held\n" : "\n");
        }

        AppendKinds(text, report.Kernel.ByKind);
        foreach (CallRefusals refusal in report.Refusals)
        {
            text.Append(Invariant($"  refused: {refusal.Call} {Times(refusal.Count)} with {refusal.Errno}\n"));
        }

        if (report.Memory.OomKills > 0)
        {
            text.Append($"  the kernel's out-of-memory killer ended {Processes(report.Memory.OomKills)}\n");
        }

        if (report.Notifications.Count > 0)
        {
            NotificationTimes times = report.Notifications;
            text.Append(Invariant($"  {Count(times.Count, "call", "calls")} answered, "));
            text.Append(Invariant($"half within {times.MedianMicroseconds} us, "));
            text.Append(Invariant($"99% within {times.NinetyNinthMicroseconds} us; "));
            text.Append($"the kernel was asked {Times(report.Kernel.Readings)}\n");
        }

        if (report.LeftoverProcesses > 0)
        {
            string were = report.LeftoverProcesses == 1 ? "was" : "were";
            text.Append($"  {Processes(report.LeftoverProcesses)} outlived the command and {were} ended\n");
        }

        if (report.Cgroup?.LeftBehind is { } leftBehind) text.Append(Invariant($"  not removed: {leftBehind}\n"));
        return text.ToString();
    }

    private static string Ending(ProcessGroupReport report) => report.Signal is { } signal
        ? Invariant($"was ended by signal {signal}")
        : Invariant($"exited with {report.ExitCode}");

    private static void AppendRow(StringBuilder text, string name, long? peak, long? max, long refused) =>
        text.Append(Invariant($"  {name,-6} {Size(peak),10}  {(max is null ? "-" : Size(max)),10}  {refused,8}\n"));

    private static void AppendKinds(StringBuilder text, IReadOnlyDictionary<string, long> kinds)
    {
        string[] parts =
        [
            .. kinds.Where(static kind => kind.Value > 0)
                .OrderByDescending(static kind => kind.Value)
                .Select(static kind => $"{kind.Key} {Size(kind.Value)}"),
        ];
        if (parts.Length > 0) text.Append(Invariant($"  kernel memory when largest: {string.Join(", ", parts)}\n"));
    }

    private static string Size(long? bytes) => bytes is { } known ? MemorySize.Format(known) : "unknown";

    private static string Times(long count) => count == 1 ? "once" : Count(count, "time", "times");

    private static string Processes(long count) => Count(count, "process", "processes");

    private static string Count(long count, string one, string many) =>
        Invariant($"{count} {(count == 1 ? one : many)}");

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
