using System.Globalization;
using System.Runtime.InteropServices;

namespace Allot.Benchmarks.Runner;

/// <summary>The machine that a result is from.</summary>
internal static class Machine
{
    public static string Describe()
    {
        string date = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        return $"{date} · {RuntimeInformation.OSDescription}, Linux {Kernel()} · {Environment.ProcessorCount} × {Processor()} · " +
            $"{RuntimeInformation.FrameworkDescription} {RuntimeInformation.ProcessArchitecture} · {Cgroups()}";
    }

    /// <summary>How busy the machine was in the last minute: two benchmarked processes at a time are about 1.</summary>
    public static string Load() => File.ReadAllText("/proc/loadavg").Split(' ')[0];

    private static string Processor() => File.ReadLines("/proc/cpuinfo")
        .FirstOrDefault(static line => line.StartsWith("model name", StringComparison.Ordinal)) is { } line
            ? line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim()
            : RuntimeInformation.ProcessArchitecture.ToString();

    private static string Kernel() => File.ReadAllText("/proc/sys/kernel/osrelease").Trim();

    private static string Cgroups() => File.Exists("/sys/fs/cgroup/cgroup.controllers") ? "cgroup v2" : "cgroup v1";
}
