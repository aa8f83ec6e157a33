// These tests as a Windows program, under Wine. An assembly is the same on every system; what differs is the runtime
// that runs it. So nothing of the repository is built again: a program of no content is published for Windows with its
// runtime, in a folder of its own, and its assembly is replaced by the one that holds the tests.
//
// Wine has a home and a registry in the same folder. Its server ends with the last program, and is told to.

using System.Diagnostics;
using System.Reflection;
using System.Text.RegularExpressions;

namespace Allot.Tests.Repository;

internal sealed partial class WindowsProgram : IAsyncDisposable
{
    private static readonly string s_name = Assembly.GetExecutingAssembly().GetName().Name!;

    // Several times what it takes where others are at work.
    private static readonly TimeSpan s_runAtMost = TimeSpan.FromMinutes(2);

    private readonly string _folder = Directory.CreateTempSubdirectory("allot-windows-").FullName;
    private readonly string _wine;

    /// <param name="wine">The program that runs Windows programs: <see cref="FindWine"/>.</param>
    public WindowsProgram(string wine) => _wine = wine;

    private string Published => Path.Combine(_folder, "out");

    /// <returns>Null when there is none.</returns>
    public static string? FindWine()
    {
        string[] folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':');
        return folders.Select(folder => Path.Combine(folder, "wine64")).Prepend("/usr/lib/wine/wine64")
            .FirstOrDefault(File.Exists);
    }

    /// <summary>Makes the program. Skips where the runtime for Windows cannot be had.</summary>
    public async Task PublishAsync()
    {
        // Stops the search for files of the same names in the folders above.
        Write("Directory.Build.props", "<Project />");
        Write("Directory.Packages.props", "<Project />");
        Write("Program.cs", "return 0;");
        // With its switch, reflection calls by code that it makes: what is thrown then meets no frame of native code,
        // which Wine does not get it across.
        Write($"{s_name}.csproj", $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <RuntimeIdentifier>win-x64</RuntimeIdentifier>
                <SelfContained>true</SelfContained>
                <DisableTransitiveFrameworkReferenceDownloads>true</DisableTransitiveFrameworkReferenceDownloads>
                <InvariantGlobalization>true</InvariantGlobalization>
                <UseSharedCompilation>false</UseSharedCompilation>
                <NuGetAudit>false</NuGetAudit>
              </PropertyGroup>
              <ItemGroup>
                <Reference Include="{AppContext.BaseDirectory}*.dll" Exclude="{AppContext.BaseDirectory}{s_name}.dll" />
                <RuntimeHostConfigurationOption Include="Switch.System.Reflection.ForceEmitInvoke" Value="true" />
              </ItemGroup>
            </Project>
            """);
        (int? restored, string output) = await DotnetAsync("restore", _folder);
        bool cannotBeHad = restored is null || (restored != 0 && output.Contains("error NU1", StringComparison.Ordinal));
        Assert.SkipWhen(cannotBeHad, $"The .NET runtime for Windows cannot be had here: {output}");
        Assert.True(restored == 0, output);
        (int? published, output) = await DotnetAsync("publish", _folder, "--no-restore", "-o", Published);
        Assert.True(published == 0, output);
        foreach (string file in Directory.EnumerateFiles(AppContext.BaseDirectory, $"{s_name}.*"))
        {
            string copy = Path.Combine(Published, Path.GetFileName(file));
            if (Path.GetExtension(file) is ".dll" or ".pdb") File.Copy(file, copy, overwrite: true);
        }
    }

    /// <summary>Runs it.</summary>
    /// <returns>What it has ended with and written; null for the first when it did not end in time. That can be Wine's
    /// doing: the runtime stops threads to collect, and one that does not wait is at times not seen to stop. A second
    /// run tells whether it is ours.</returns>
    public async Task<(int? ExitCode, string Output)> RunAsync(params string[] arguments)
    {
        // Without this, Wine would ask whether to install two things that are not needed.
        (int? booted, string told) = await WineAsync("mscoree,mshtml,winemenubuilder.exe=", ["wineboot", "-i"]);
        if (booted is null)
        {
            await EndWineAsync();
            return (null, told);
        }

        string program = Path.Combine(Published, $"{s_name}.exe");
        (int? exitCode, string output) = await WineAsync("mshtml,winemenubuilder.exe=", [program, .. arguments]);
        if (exitCode is null) await EndWineAsync();
        return (exitCode, output);
    }

    public async ValueTask DisposeAsync()
    {
        await EndWineAsync();
        // Among the devices of Wine is a link to the root, which this does not follow.
        await EndAsync("rm", "-rf", _folder);
    }

    private async Task EndWineAsync()
    {
        string server = Path.Combine(Path.GetDirectoryName(_wine)!, "wineserver64");
        if (!File.Exists(server)) server = Path.Combine(Path.GetDirectoryName(_wine)!, "wineserver");
        await EndAsync(server, "-k");
        await EndAsync(server, "-w");
    }

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_folder, name), text);

    private Task<(int? ExitCode, string Output)> WineAsync(string without, string[] arguments) =>
        RunAsync(start =>
        {
            // Of the run that this is a part of, it knows nothing.
            start.Environment.Clear();
            SetWine(start);
            start.Environment["WINEDLLOVERRIDES"] = without;
            start.Environment["WINEDEBUG"] = "-all";
            // Wine cannot show the same pages at a second address to write code there.
            start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        }, _wine, arguments);

    private Task<(int? ExitCode, string Output)> DotnetAsync(params string[] arguments) => RunAsync(start =>
    {
        // The build that runs the tests is not ours; and nothing of ours stays behind as a server.
        foreach (string name in start.Environment.Keys.Where(IsOfABuild).ToArray()) start.Environment.Remove(name);
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0";
    }, Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", arguments);

    // What it writes goes to a file: servers that it has started would keep a pipe open.
    private async Task<(int? ExitCode, string Output)> RunAsync(
        Action<ProcessStartInfo> prepare, string program, string[] arguments)
    {
        string log = Path.Combine(_folder, "log");
        var start = new ProcessStartInfo(
            "/bin/sh", ["-c", "l=$1; shift; exec \"$@\" > \"$l\" 2>&1 < /dev/null", "sh", log, program, .. arguments])
        {
            WorkingDirectory = _folder,
        };
        prepare(start);
        using Process process = Process.Start(start)!;
        using var late = new CancellationTokenSource(s_runAtMost);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(
            late.Token, TestContext.Current.CancellationToken);
        try
        {
            await process.WaitForExitAsync(over.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            return (null, await File.ReadAllTextAsync(log, CancellationToken.None));
        }

        return (process.ExitCode, await File.ReadAllTextAsync(log));
    }

    private async Task EndAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments);
        SetWine(start);
        using Process process = Process.Start(start)!;
        using var late = new CancellationTokenSource(s_runAtMost);
        try
        {
            await process.WaitForExitAsync(late.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
        }
    }

    private void SetWine(ProcessStartInfo start)
    {
        start.Environment["PATH"] = Environment.GetEnvironmentVariable("PATH");
        start.Environment["HOME"] = _folder;
        start.Environment["WINEPREFIX"] = Path.Combine(_folder, "wine");
    }

    private static bool IsOfABuild(string variable) => BuildVariable().IsMatch(variable);

    [GeneratedRegex("^(MSBUILD|TESTINGPLATFORM|CI$)", RegexOptions.IgnoreCase)]
    private static partial Regex BuildVariable();
}
