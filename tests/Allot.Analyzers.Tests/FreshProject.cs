using System.Diagnostics;

namespace Allot.Analyzers.Tests;

/// <summary>A project in a folder of its own, outside the repository, that takes Allot and its analyzers from packages
/// made of this build. Nothing comes from a network: the only source of packages is a folder.</summary>
internal sealed class FreshProject : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("allot-fresh-").FullName;

    internal FreshProject(string program)
    {
        Write("nuget.config", $"""
            <configuration>
              <packageSources><clear /><add key="built" value="{Feed}" /></packageSources>
            </configuration>
            """);
        // Stops the search for files of the same names in the folders above.
        Write("Directory.Build.props", "<Project />");
        Write("Directory.Packages.props", "<Project />");
        Write("Fresh.csproj", $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
                <Nullable>enable</Nullable>
                <UseAppHost>false</UseAppHost>
                <UseSharedCompilation>false</UseSharedCompilation>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="Allot" Version="{AllotVersion}" />
                <PackageReference Include="Allot.Analyzers" Version="{AllotVersion}" PrivateAssets="all" />
              </ItemGroup>
            </Project>
            """);
        Write("Program.cs", program);
    }

    private static string AllotVersion => typeof(MemoryGroup).Assembly.GetName().Version!.ToString(3);

    private string Feed => Path.Combine(_folder, "feed");

    internal string Program => File.ReadAllText(Path.Combine(_folder, "Program.cs")).ReplaceLineEndings("\n");

    /// <summary>Packs what the tests were built with, and restores it here.</summary>
    internal async Task RestoreAsync()
    {
        string configuration = Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        foreach (string project in (string[])["Allot", "Allot.Analyzers"])
        {
            await DotnetAsync(
                "pack", Path.Combine(Repository.Root, "src", project), "--no-build", "-c", configuration, "-o", Feed);
        }

        await DotnetAsync("restore", _folder);
    }

    /// <summary>A file of the package of the analyzers, as it is restored.</summary>
    internal string ReadFromPackage(string path) =>
        File.ReadAllText(Path.Combine(_folder, "packages", "allot.analyzers", AllotVersion, path));

    /// <summary>What the build says of the rules: "line ALLOT00n", each once, in the order of the lines.</summary>
    internal async Task<string[]> BuildAsync()
    {
        string output = await DotnetAsync("build", _folder, "--no-restore", "--no-incremental");
        return
        [
            .. output.Split('\n')
                .Select(line => System.Text.RegularExpressions.Regex.Match(
                    line, @"Program\.cs\((?<line>\d+),\d+\): warning (?<id>ALLOT\d+)"))
                .Where(match => match.Success)
                .Select(match => (Line: int.Parse(match.Groups["line"].Value), Id: match.Groups["id"].Value))
                .Distinct().Order().Select(found => $"{found.Line} {found.Id}"),
        ];
    }

    internal Task FixAsync(params string[] ids) => DotnetAsync(
        ["format", "analyzers", Path.Combine(_folder, "Fresh.csproj"), "--no-restore", "--diagnostics", .. ids]);

    internal Task<string> RunAsync() =>
        DotnetAsync("exec", Path.Combine(_folder, "bin", "Debug", "net10.0", "Fresh.dll"));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_folder, name), text);

    private async Task<string> DotnetAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", arguments)
        {
            WorkingDirectory = _folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // The build that runs the tests is not ours; and nothing of ours stays behind as a server.
        foreach (string name in start.Environment.Keys.Where(IsOfABuild).ToArray()) start.Environment.Remove(name);
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0";
        start.Environment["NUGET_PACKAGES"] = Path.Combine(_folder, "packages");
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(
            process.ExitCode == 0, $"dotnet {string.Join(' ', arguments)}: {process.ExitCode}\n{output}\n{await error}");
        return output;
    }

    private static bool IsOfABuild(string variable) =>
        variable.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase) || variable is "CI" or "NUGET_PACKAGES";
}
