using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Allot.Benchmarks.Runner;

/// <summary>Runs what was asked for and shows, or writes, the pages.</summary>
internal static class Session
{
    /// <returns>False when a goal was missed.</returns>
    public static bool Run(Request request)
    {
        bool allMet = true;
        foreach (Benchmark benchmark in request.Benchmarks)
        {
            if (WhatIsMissing(benchmark) is { } missing)
            {
                Console.WriteLine($"{benchmark.Name}: skipped: {missing}");
                continue;
            }

            bool isSwitchedAsItNeeds = benchmark.SwitchedOff is null || benchmark.SwitchedOff == request.SwitchedOff;
            if (!isSwitchedAsItNeeds || (benchmark.NeedsStaticTls && !StaticTls.IsGiven))
            {
                allMet &= RunAlone(benchmark, request);
                continue;
            }

            using var bench = new Workbench(request.AllotPath, request.IsSmoke);
            var page = new ResultPage(benchmark, Machine.Describe());
            benchmark.Measure(bench, page);
            if (request.IsSmoke)
            {
                Console.WriteLine($"{benchmark.Name}: works");
                continue;
            }

            allMet &= page.MeetsGoals;
            string text = page.ToMarkdown(Machine.Load());
            Console.WriteLine(text);
            if (request.Writes) File.WriteAllText(Repository.ResultPath(benchmark.Name), text);
        }

        return allMet;
    }

    private static bool RunAlone(Benchmark benchmark, Request request)
    {
        List<string> arguments = [benchmark.Name, "--allot", request.AllotPath];
        if (benchmark.SwitchedOff is { } switchedOff) arguments.AddRange(["--off", switchedOff]);
        if (request.IsSmoke) arguments.Add("--smoke");
        if (request.Writes) arguments.Add("--write");
        var start = new ProcessStartInfo(Environment.ProcessPath!, arguments);
        if (benchmark.NeedsStaticTls && !StaticTls.IsGiven) StaticTls.AddTo(start.Environment);
        using Process process = Process.Start(start)!;
        process.WaitForExit();
        return process.ExitCode switch
        {
            0 => true,
            1 => false,
            _ => throw new BenchmarkException($"'{benchmark.Name}', in a process of its own, failed: {process.ExitCode}."),
        };
    }

    private static string? WhatIsMissing(Benchmark benchmark)
    {
        if (!OperatingSystem.IsLinux()) return "needs Linux";
        if (benchmark.NeedsRoot && !Environment.IsPrivilegedProcess) return "needs root, for --kernel-max";
        string? missing = benchmark.Tools.FirstOrDefault(static tool => !IsInPath(tool));
        if (missing is not null) return $"needs the program '{missing}'";
        foreach ((string name, string package) in benchmark.Libraries)
        {
            if (!NativeLibrary.TryLoad(name, out _)) return $"needs the library '{name}' (Debian: {package})";
        }

        return null;
    }

    private static bool IsInPath(string tool) => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(':', StringSplitOptions.RemoveEmptyEntries)
        .Any(folder => File.Exists(Path.Combine(folder, tool)));
}
