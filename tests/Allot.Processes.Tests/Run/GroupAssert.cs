using System.Text.Json;
using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Run;

/// <summary>What the tests of the command ask of its report, and the bounds that the documents state.</summary>
internal static class GroupAssert
{
    /// <summary>How far kernel memory may pass its limit on cgroup v1, where the counter is exact to the page and only
    /// what no intercepted call creates can pass it.</summary>
    public const long KernelLagBytes = 1 << 20;

    /// <summary>The refusals as "mkdir ENOMEM", most frequent first.</summary>
    public static string[] Refusals(this AllotResult result) =>
        [.. result.Element("refusals").EnumerateArray().Select(static row => $"{row.GetProperty("call").GetString()} {row.GetProperty("errno").GetString()}")];

    public static long RefusalCount(this AllotResult result, string call) =>
        result.Element("refusals").EnumerateArray()
            .Where(row => row.GetProperty("call").GetString() == call)
            .Sum(static row => row.GetProperty("count").GetInt64());

    public static void KernelStayedBelowTheBound(AllotResult result)
    {
        long max = result.Number("kernel.max_bytes") ?? throw new InvalidOperationException("There was no limit.");
        Assert.InRange(result.Number("kernel.peak_bytes")!.Value, 1, max + KernelLagBytes);
    }

    public static void NothingWasLeftBehind(AllotResult result)
    {
        JsonElement cgroup = result.Element("cgroup");
        if (cgroup.ValueKind == JsonValueKind.Null) return;
        Assert.True(cgroup.GetProperty("removed").GetBoolean(), $"{result}");
        Assert.False(Directory.Exists(cgroup.GetProperty("path").GetString()), "The cgroup has gone.");
    }

    public static void ExitedWith(int code, AllotResult result) =>
        Assert.True(result.ExitCode == code && !result.Run.TimedOut, $"wanted exit {code}: {result}");
}
