using System.Text.Json;
using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Run;

// The report's forms and places, and the help.
public sealed class ReportTests : IDisposable
{
    private readonly ScratchDirectory _scratch = new();

    public ReportTests() => Require.Linux();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void The_report_for_people_is_on_standard_error()
    {
        RunResult result = AllotCommand.Invoke(["run", "--pins-max", "1M", "--name", "nine", "--", "sh", "-c", "echo out; exit 3"]);
        Assert.Equal("out\n", result.Output);
        Assert.StartsWith("allot: group 'nine' exited with 3 after ", result.Error, StringComparison.Ordinal);
        foreach (string word in new[] { "memory", "kernel", "pins", "1 MiB" }) Assert.Contains(word, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void None_is_nothing()
    {
        string file = _scratch.File("none");
        RunResult result = AllotCommand.Invoke(["run", "--pins-max", "1M", "--report", "none", "--report-file", file, "--", "true"]);
        Assert.Equal(new RunResult(0, "", "", false), result);
        Assert.False(File.Exists(file));
    }

    [Fact]
    public void A_file_is_written_over_and_standard_error_stays_the_programs()
    {
        string file = _scratch.File("report");
        File.WriteAllText(file, new string('x', 100_000));
        RunResult result = AllotCommand.Invoke(["run", "--report-file", file, "--", "sh", "-c", "echo err >&2"]);
        Assert.Equal("err\n", result.Error);
        Assert.StartsWith("allot: group 'sh' exited with 0", File.ReadAllText(file), StringComparison.Ordinal);
        Assert.DoesNotContain('x', File.ReadAllText(file)[^5..]);
    }

    [Fact]
    public void Json_on_standard_error_is_json()
    {
        RunResult result = AllotCommand.Invoke(["run", "--report", "json", "--", "true"]);
        using JsonDocument report = JsonDocument.Parse(result.Error);
        Assert.Equal("true", report.RootElement.GetProperty("group").GetString());
    }

    [Fact]
    public void The_keys_are_the_documented_ones()
    {
        AllotResult result = AllotCommand.Run(["--pins-max", "64K"], [Require.Program("lock"), "map a 128K mlock a 0 128K"]);
        JsonElement root = result.Report!.Value;
        Assert.Equal(
            ["group", "command", "exit_code", "signal", "duration_ms", "memory", "kernel", "pins", "refusals", "notifications", "cgroup", "leftover_processes"],
            Keys(root));
        Assert.Equal(["max_bytes", "peak_bytes", "current_bytes", "refused", "oom_kills"], Keys(root.GetProperty("memory")));
        Assert.Equal(["max_bytes", "peak_bytes", "current_bytes", "refused", "by_kind", "readings"], Keys(root.GetProperty("kernel")));
        Assert.Equal(
            ["max_bytes", "peak_bytes", "current_bytes", "refused", "locked_peak_bytes", "pinned_peak_bytes"], Keys(root.GetProperty("pins")));
        Assert.Equal(["call", "errno", "count"], Keys(root.GetProperty("refusals")[0]));
        Assert.Equal(["count", "p50_us", "p99_us"], Keys(root.GetProperty("notifications")));
        Assert.Equal(JsonValueKind.Null, root.GetProperty("memory").GetProperty("max_bytes").ValueKind);
        Assert.Equal(JsonValueKind.Null, root.GetProperty("signal").ValueKind);
        Assert.Equal(65536, root.GetProperty("pins").GetProperty("max_bytes").GetInt64());

        static string[] Keys(JsonElement element) => [.. element.EnumerateObject().Select(static property => property.Name)];
    }

    [Fact]
    public void A_report_that_cannot_be_written_does_not_change_the_status()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "needs /dev/full");
        RunResult result = AllotCommand.Invoke(["run", "--report", "json", "--report-file", "/dev/full", "--", "sh", "-c", "exit 4"]);
        Assert.Equal(4, result.ExitCode);
        Assert.Contains("'/dev/full'", result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void Verbose_says_what_is_done_and_only_on_standard_error()
    {
        RunResult result = AllotCommand.Invoke(["run", "--pins-max", "1M", "--verbose", "--report", "none", "--", "echo", "out"]);
        Assert.Equal("out\n", result.Output);
        Assert.Contains("the filter has ", result.Error, StringComparison.Ordinal);
        Assert.All(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries), static line => Assert.StartsWith("allot: ", line, StringComparison.Ordinal));
    }

    [Theory, InlineData("--help"), InlineData("run", "--help"), InlineData("run", "--pins-max", "junk", "--help"), InlineData("--version")]
    public void Help_is_output_and_success(params string[] arguments)
    {
        RunResult result = AllotCommand.Invoke(arguments);
        Assert.Equal(0, result.ExitCode);
        Assert.NotEqual("", result.Output);
        Assert.Equal("", result.Error);
    }

    [Fact]
    public void Help_after_the_separator_is_the_commands()
    {
        RunResult result = AllotCommand.Invoke(["run", "--report", "none", "--", "sh", "-c", "echo $1", "sh", "--help"]);
        Assert.Equal("--help\n", result.Output);
    }

    [Fact]
    public void The_examples_of_the_help_work()
    {
        Require.Root();
        Require.Tool("make");
        Require.Tool("python3");
        string[] examples =
        [
            .. AllotCommand.Invoke(["run", "--help"]).Output.Split("Examples:")[1].Split('\n').Select(static line => line.Trim())
                .Where(static line => line.StartsWith("allot run ", StringComparison.Ordinal)),
        ];
        Assert.Equal(3, examples.Length);

        File.CreateSymbolicLink(_scratch.File("allot"), AllotCommand.HostPath);
        File.WriteAllText(_scratch.File("Makefile"), "all: a b c d\na b c d:\n\t@echo made $@\n");
        RunOptions here = new()
        {
            WorkingDirectory = _scratch.Path,
            Environment = new Dictionary<string, string?>
            {
                ["PATH"] = $"{_scratch.Path}:{Environment.GetEnvironmentVariable("PATH")}",
                ["TMPDIR"] = _scratch.Subdirectory("tmp"),
            },
        };
        RunResult[] results = [.. examples.Select(example => ProcessRunner.Run("sh", ["-c", example], here))];

        Assert.Contains("Cannot allocate memory", results[0].Error, StringComparison.Ordinal);
        Assert.Matches("refused: (mkdir|execve|clone|v?fork|openat) [0-9]+ times with E", results[0].Error);
        Assert.Equal(new RunResult(0, "hello\n", "", false), results[1]);
        Assert.Contains("\"max_bytes\": 1048576", File.ReadAllText(_scratch.File("pins.json")), StringComparison.Ordinal);
        Assert.True(results[2].ExitCode == 0, $"{results[2]}");
        Assert.Equal(["made a", "made b", "made c", "made d"], results[2].Lines.Order());
        Assert.Matches("(?s)allot: cgroup version.*allot: group 'make' exited with 0", results[2].Error);
    }
}
