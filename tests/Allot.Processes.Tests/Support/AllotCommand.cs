using System.Text.Json;

namespace Allot.Processes.Tests.Support;

/// <summary>What a run of the command gave: the program's own result, and Allot's report when there is one.</summary>
internal sealed record AllotResult(RunResult Run, JsonElement? Report)
{
    public int ExitCode => Run.ExitCode;

    /// <summary>A number of the report by its path, for example <c>"kernel.peak_bytes"</c>; null is
    /// "unlimited".</summary>
    public long? Number(string path)
    {
        JsonElement element = Element(path);
        return element.ValueKind == JsonValueKind.Null ? null : element.GetInt64();
    }

    public JsonElement Element(string path)
    {
        JsonElement element = Report ?? throw new InvalidOperationException($"There is no report: {Run}");
        foreach (string key in path.Split('.')) element = element.GetProperty(key);
        return element;
    }

    public override string ToString() => $"{Run}--- report\n{Report}";
}

// Runs the built `allot`, the host of the command that lies beside the test assembly, as a user would.
internal static class AllotCommand
{
    /// <summary>The command's host. Its assembly is Allot.Cli; only the installed program is named "allot".</summary>
    public static string HostPath => Path.Combine(AppContext.BaseDirectory, "Allot.Cli");

    /// <summary>Any invocation: <c>allot ARGUMENTS</c>.</summary>
    public static RunResult Invoke(IEnumerable<string> arguments, RunOptions? options = null) =>
        ProcessRunner.Run(HostPath, arguments, options);

    /// <summary><c>allot run OPTIONS --report json --report-file FILE -- COMMAND</c>, with the report read
    /// back.</summary>
    public static AllotResult Run(
        IEnumerable<string> options, IEnumerable<string> command, RunOptions? runOptions = null)
    {
        using ReportFile report = new();
        RunResult result = Invoke(Arguments(report.Path, options, command), runOptions);
        return new AllotResult(result, report.Read());
    }

    /// <summary>The same, started and not waited for.</summary>
    public static AllotRun Start(
        IEnumerable<string> options, IEnumerable<string> command, RunOptions? runOptions = null)
    {
        ReportFile report = new();

        // With no signal ignored, whoever started the tests: a shell's background job ignores Ctrl-C.
        string[] arguments = ["--default-signal", HostPath, .. Arguments(report.Path, options, command)];
        return new AllotRun(ProcessRunner.Start("env", arguments, runOptions), report);
    }

    private static IEnumerable<string> Arguments(
        string reportPath, IEnumerable<string> options, IEnumerable<string> command) =>
        ["run", .. options, "--report", "json", "--report-file", reportPath, "--", .. command];
}

/// <summary>A run of the command in the background.</summary>
internal sealed class AllotRun(RunningProgram program, ReportFile report) : IDisposable
{
    public RunningProgram Program => program;

    public async Task<AllotResult> WaitForEndAsync() => new(await program.WaitForEndAsync(), report.Read());

    public void Dispose()
    {
        program.Dispose();
        report.Dispose();
    }
}

/// <summary>A file for one JSON report.</summary>
internal sealed class ReportFile : IDisposable
{
    private readonly ScratchDirectory _directory = new();

    public string Path => _directory.File("report.json");

    /// <summary>The report, null when none was written.</summary>
    public JsonElement? Read() => ReadFrom(Path);

    public static JsonElement? ReadFrom(string path)
    {
        if (!File.Exists(path) || new FileInfo(path).Length == 0) return null;
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(path));
        return document.RootElement.Clone();
    }

    public void Dispose() => _directory.Dispose();
}
