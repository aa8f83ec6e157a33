// dotnet run eng/check.cs
//
// All that CI checks, on your machine: the format of the code, then every test, then one line with the numbers. Tests
// whose programs or privileges are not there are skipped and say why; CI installs the programs first (.ci/run).

#:property PublishAot=false

using System.Diagnostics;
using System.Text.RegularExpressions;

string root = FindRoot();
if (await Run("dotnet", "format", "--verify-no-changes") is { ExitCode: not 0 } unformatted)
{
    Console.Error.WriteLine("The code is not formatted: run 'dotnet format' and look at what it changes.");
    return unformatted.ExitCode;
}

Outcome tests = await Run("dotnet", "test");
if (Read("succeeded") is not { } passed || Read("failed") is not { } failed || Read("skipped") is not { } skipped)
{
    Console.Error.WriteLine("'dotnet test' ended without a summary.");
    return tests.ExitCode == 0 ? 1 : tests.ExitCode;
}

Console.WriteLine($"{passed} passed, {failed} failed, {skipped} skipped");
return tests.ExitCode == 0 && passed == 0 ? 1 : tests.ExitCode;

// The last summary counts: dotnet test prints one for all projects at its end.
int? Read(string label)
{
    MatchCollection found = Regex.Matches(tests.Output, $@"^\s*{label}: (\d+)\s*$", RegexOptions.Multiline);
    return found.Count == 0 ? null : int.Parse(found[^1].Groups[1].Value);
}

async Task<Outcome> Run(string program, params string[] arguments)
{
    Console.WriteLine($"$ {program} {string.Join(' ', arguments)}");
    using var process = Process.Start(new ProcessStartInfo(program, arguments)
    {
        WorkingDirectory = root,
        RedirectStandardOutput = true,
    })!;
    var output = new System.Text.StringBuilder();
    while (await process.StandardOutput.ReadLineAsync() is { } line)
    {
        Console.WriteLine(line);
        output.AppendLine(line);
    }

    await process.WaitForExitAsync();
    return new Outcome(process.ExitCode, output.ToString());
}

static string FindRoot()
{
    for (DirectoryInfo? folder = new(Environment.CurrentDirectory); folder is not null; folder = folder.Parent)
    {
        if (File.Exists(Path.Combine(folder.FullName, "Allot.slnx"))) return folder.FullName;
    }

    throw new InvalidOperationException("Run this inside the repository: Allot.slnx was not found above here.");
}

internal sealed record Outcome(int ExitCode, string Output);
