// Runs the model checker: spin writes a C program that visits every state of the model, gcc compiles it, and its report
// is read. In a directory of its own, which is removed.

using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Allot.Model.Tests.Reserves;

/// <summary>What a check has found.</summary>
/// <param name="States">Different states that were visited.</param>
/// <param name="Error">The first error, null if there is none.</param>
/// <param name="IsComplete">Whether every state was visited: no bound on depth or memory was hit, no error stopped it.
/// </param>
/// <param name="Report">All that the checker said.</param>
internal sealed record SpinResult(long States, string? Error, bool IsComplete, string Report);

internal static partial class SpinChecker
{
    // The deepest run of the models here is below 1,000 steps; a run that is cut off fails the test.
    private const string Depth = "-m20000";
    private const string MemoryLimit = "-DMEMLIM=1024";

    private static readonly TimeSpan s_timeLimit = TimeSpan.FromMinutes(5);

    /// <summary>Skips the test where a program is missing.</summary>
    public static void Require()
    {
        foreach (string program in (ReadOnlySpan<string>)["spin", "gcc"])
        {
            Assert.SkipUnless(IsInPath(program), $"needs the program '{program}' in PATH");
        }
    }

    /// <param name="model">Its file, below the folder of these tests.</param>
    /// <param name="switches">Names to define, each with or without a value.</param>
    public static async Task<SpinResult> CheckAsync(string model, IEnumerable<string> switches)
    {
        DirectoryInfo directory = Directory.CreateTempSubdirectory("allot-spin-");
        try
        {
            File.Copy(Path.Combine(FindRoot(), "tests", "Allot.Model.Tests", model), Path.Combine(directory.FullName, "model.pml"));
            string[] defines = [.. switches.Select(name => "-D" + name)];
            string written = await RunAsync(directory, "spin", ["-a", .. defines, "model.pml"]);
            Assert.True(File.Exists(Path.Combine(directory.FullName, "pan.c")), written);

            // Not optimised: that takes longer than it saves in the run.
            await RunAsync(directory, "gcc", ["-w", "-DSAFETY", "-DCOLLAPSE", MemoryLimit, "-o", "pan", "pan.c"]);
            return Read(await RunAsync(directory, Path.Combine(directory.FullName, "pan"), [Depth, "-w22", "-n"]));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static SpinResult Read(string report)
    {
        Match errors = ErrorCount().Match(report), states = StateCount().Match(report);
        Assert.True(errors.Success && states.Success, $"The checker did not finish:\n{report}");
        string? error = errors.Groups[1].Value == "0" ? null : FirstError().Match(report).Groups[1].Value.Trim();
        bool isCutOff = report.Contains("Search not completed") || report.Contains("max search depth too small")
            || report.Contains("out of memory") || report.Contains("reached -DMEMLIM bound");
        long visited = long.Parse(states.Groups[1].Value, System.Globalization.CultureInfo.InvariantCulture);
        return new SpinResult(visited, error, !isCutOff, report);
    }

    private static async Task<string> RunAsync(DirectoryInfo directory, string program, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = directory.FullName,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(s_timeLimit);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        string said = $"{await output}\n{await error}";
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} failed:\n{said}");
        return said;
    }

    private static bool IsInPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Any(directory => File.Exists(Path.Combine(directory, program)));

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Allot.slnx")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new InvalidOperationException("There is no Allot.slnx above the tests.");
    }

    [GeneratedRegex(@"errors: (\d+)")]
    private static partial Regex ErrorCount();

    [GeneratedRegex(@"^\s*(\d+) states, stored", RegexOptions.Multiline)]
    private static partial Regex StateCount();

    [GeneratedRegex(@"^pan:\d+: (.+)$", RegexOptions.Multiline)]
    private static partial Regex FirstError();
}
