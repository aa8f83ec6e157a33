using System.Diagnostics;

namespace Allot.Processes.Tests.Support;

/// <summary>Everything about a start that is not the command itself.</summary>
internal sealed record RunOptions
{
    public TimeSpan TimeLimit { get; init; } = TimeSpan.FromSeconds(60);
    public string? WorkingDirectory { get; init; }
    public string Input { get; init; } = "";
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = new Dictionary<string, string?>();
}

// Starts programs and captures what they write. When the time limit passes, the started process and its descendants
// are killed, and nothing else.
internal static class ProcessRunner
{
    public static RunResult Run(string file, IEnumerable<string> arguments, RunOptions? options = null)
    {
        using RunningProgram program = Start(file, arguments, options);
        program.WriteInput(options?.Input ?? "");
        return program.WaitForEnd();
    }

    /// <summary>Starts without waiting. The caller writes its input, or closes it, and waits for the end.</summary>
    public static RunningProgram Start(string file, IEnumerable<string> arguments, RunOptions? options = null)
    {
        options ??= new RunOptions();
        ProcessStartInfo start = new(file, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = options.WorkingDirectory ?? "",
        };
        foreach ((string name, string? value) in options.Environment) start.Environment[name] = value;
        return new RunningProgram(Process.Start(start)!, options.TimeLimit);
    }
}
