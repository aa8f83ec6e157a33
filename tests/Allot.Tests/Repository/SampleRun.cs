using System.Diagnostics;

namespace Allot.Tests.Repository;

/// <summary>A sample, run as its first lines say.</summary>
/// <param name="ExitCode">What it has ended with.</param>
/// <param name="Output">What it has printed.</param>
/// <param name="Error">What it has complained about.</param>
internal sealed record SampleRun(int ExitCode, string Output, string Error)
{
    /// <summary>Samples build the library, so those that use it run one after the other.</summary>
    public const string Collection = "samples";

    public static async Task<SampleRun> Of(string sample, params string[] arguments)
    {
        string dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        var start = new ProcessStartInfo(dotnet, ["run", sample, .. arguments])
        {
            WorkingDirectory = RepositoryFiles.Root,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return new SampleRun(process.ExitCode, output, await error);
    }
}
