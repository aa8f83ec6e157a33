using System.Diagnostics;
using Allot.Tests.Repository;

namespace Allot.Tests.Reclaim;

/// <summary>The sample with real memory runs, and says that it did what it promises.</summary>
public sealed class CacheSampleTests
{
    [Fact]
    public async Task The_cache_sample_gives_native_memory_back()
    {
        string dotnet = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";
        var start = new ProcessStartInfo(dotnet, ["run", "samples/caches/lru.cs"])
        {
            WorkingDirectory = RepositoryFiles.Root,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, output + await error);
        Assert.Contains("the caches are gone: prices 0 KiB, pages 0 KiB", output);
    }
}
