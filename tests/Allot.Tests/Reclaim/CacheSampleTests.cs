using Allot.Tests.Repository;

namespace Allot.Tests.Reclaim;

/// <summary>The sample with real memory runs, and says that it did what it promises.</summary>
[Collection(SampleRun.Collection)]
public sealed class CacheSampleTests
{
    [Fact]
    public async Task The_cache_sample_gives_native_memory_back()
    {
        SampleRun run = await SampleRun.Of("samples/caches/lru.cs");
        Assert.True(run.ExitCode == 0, run.ToString());
        Assert.Contains("the caches are gone: prices 0 KiB, pages 0 KiB", run.Output);
    }
}
