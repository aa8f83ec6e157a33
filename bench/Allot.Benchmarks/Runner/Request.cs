namespace Allot.Benchmarks.Runner;

/// <summary>A valid command line.</summary>
/// <param name="Benchmarks">What to run, in this order.</param>
/// <param name="IsSmoke">One tiny round of each: shows that it works, measures nothing.</param>
/// <param name="Writes">Write bench/results/NAME.md.</param>
/// <param name="AllotPath">The command to measure.</param>
internal sealed record Request(IReadOnlyList<Benchmark> Benchmarks, bool IsSmoke, bool Writes, string AllotPath)
{
    /// <summary>The switch that is off in this process, which was started for one benchmark; null in one that people
    /// start.</summary>
    public string? SwitchedOff { get; init; }

    /// <summary>The command that was built with this program.</summary>
    private static string BuiltAllotPath => Path.Combine(AppContext.BaseDirectory, "Allot.Cli");

    public static string Usage(IReadOnlyList<Benchmark> all) =>
        $"""
        usage: Allot.Benchmarks [NAME...] [--smoke] [--write] [--allot FILE]

          NAME           {string.Join(", ", all.Select(static benchmark => benchmark.Name))}; all of them when none is named
          --smoke        one tiny round of each, to see that it works
          --write        also write the results to bench/results/NAME.md
          --allot FILE   measure this command, not the one that was built with the benchmarks
        """;

    public static bool TryParse(string[] arguments, IReadOnlyList<Benchmark> all, out Request request, out string error)
    {
        List<Benchmark> chosen = [];
        request = new Request(chosen, IsSmoke: false, Writes: false, BuiltAllotPath);
        for (int i = 0; i < arguments.Length; i++)
        {
            string argument = arguments[i];
            if (argument == "--smoke")
            {
                request = request with { IsSmoke = true };
            }
            else if (argument == "--write")
            {
                request = request with { Writes = true };
            }
            else if (argument == "--off" && i + 1 < arguments.Length)
            {
                request = request with { SwitchedOff = arguments[++i] };
            }
            else if (argument == "--allot" && i + 1 < arguments.Length)
            {
                request = request with { AllotPath = Path.GetFullPath(arguments[++i]) };
            }
            else if (all.FirstOrDefault(benchmark => benchmark.Name == argument) is { } named)
            {
                chosen.Add(named);
            }
            else
            {
                error = $"'{argument}' is neither an option nor the name of a benchmark.";
                return false;
            }
        }

        error = request is { IsSmoke: true, Writes: true } ? "What --smoke measures is not worth writing." : "";
        if (chosen.Count == 0) chosen.AddRange(all);
        return error.Length == 0;
    }
}
