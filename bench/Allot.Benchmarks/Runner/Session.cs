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
            if (request.Writes) File.WriteAllText(Path.Combine(ResultsFolder(), benchmark.Name + ".md"), text);
        }

        return allMet;
    }

    private static string? WhatIsMissing(Benchmark benchmark)
    {
        if (!OperatingSystem.IsLinux()) return "needs Linux";
        if (!Environment.IsPrivilegedProcess) return "needs root, for --kernel-max";
        return benchmark.Tools.FirstOrDefault(static tool => !IsInPath(tool)) is { } tool ? $"needs the program '{tool}'" : null;
    }

    private static bool IsInPath(string tool) => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(':', StringSplitOptions.RemoveEmptyEntries)
        .Any(folder => File.Exists(Path.Combine(folder, tool)));

    private static string ResultsFolder()
    {
        for (DirectoryInfo? folder = new(Environment.CurrentDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Allot.slnx")))
            {
                return Directory.CreateDirectory(Path.Combine(folder.FullName, "bench", "results")).FullName;
            }
        }

        throw new BenchmarkException("--write works inside the repository: Allot.slnx was not found above here.");
    }
}
