namespace Allot.Processes.Tests.Support;

/// <summary>How a program ended and what it wrote.</summary>
internal sealed record RunResult(int ExitCode, string Output, string Error, bool TimedOut)
{
    public string[] Lines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The rest of the first output line that begins with <paramref name="word"/> and a space.</summary>
    public string? After(string word) =>
        Lines.FirstOrDefault(line => line.StartsWith(word + " ", StringComparison.Ordinal))?[(word.Length + 1)..];

    /// <summary>The first number after <paramref name="words"/>: 523 of "forks ok 523".</summary>
    public long NumberAfter(string words) => After(words) is string rest
        ? long.Parse(rest.Split(' ')[0])
        : throw new InvalidOperationException($"No line begins with '{words}' in: {this}");

    public override string ToString() =>
        $"exit {ExitCode}{(TimedOut ? " (ended by the time limit)" : "")}\n--- stdout\n{Output}--- stderr\n{Error}";
}
