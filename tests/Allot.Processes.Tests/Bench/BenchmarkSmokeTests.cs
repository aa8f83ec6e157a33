using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Bench;

// One tiny round of every benchmark: what it measures means nothing, but it cannot rot unseen.
public sealed class BenchmarkSmokeTests
{
    [Theory, InlineData("idle"), InlineData("roundtrip"), InlineData("git-status"), InlineData("startup")]
    [InlineData("charge"), InlineData("off"), InlineData("switched-off"), InlineData("groups"), InlineData("pins"), InlineData("maps")]
    public void Every_benchmark_works(string name)
    {
        Require.Root();
        Require.Tool("gcc");
        Require.Tool("git");
        string benchmarks = Path.Combine(AppContext.BaseDirectory, "Allot.Benchmarks");
        RunResult result = ProcessRunner.Run(benchmarks, [name, "--smoke"]);
        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.SkipWhen(result.Output.StartsWith($"{name}: skipped: ", StringComparison.Ordinal), result.Output);
        Assert.Equal([$"{name}: works"], result.Lines);
    }

    [Fact]
    public void An_unknown_name_is_an_error_that_lists_the_known_ones()
    {
        Require.Linux();
        string benchmarks = Path.Combine(AppContext.BaseDirectory, "Allot.Benchmarks");
        RunResult result = ProcessRunner.Run(benchmarks, ["rountrip"]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("'rountrip'", result.Error);
        Assert.Contains("roundtrip", result.Error);
    }
}
