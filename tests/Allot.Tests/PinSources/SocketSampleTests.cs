using Allot.Tests.Repository;

namespace Allot.Tests.PinSources;

/// <summary>The sample of a server runs: who asks for too much is refused clearly, the others go on.</summary>
[Collection(SampleRun.Collection)]
public sealed class SocketSampleTests
{
    [Fact]
    public async Task The_socket_sample_refuses_one_tenant_and_serves_the_others()
    {
        SampleRun run = await SampleRun.Of("samples/pins/sockets.cs");
        Assert.True(run.ExitCode == 0, run.ToString());
        Assert.Contains("acme: 5 of 5 connections served", run.Output);
        Assert.Contains("greedy: 8 of 20 connections served; 128 KiB pinned", run.Output);
        Assert.Contains("globex: 5 of 5 connections served", run.Output);
        Assert.Contains("'/greedy' (pins): '/greedy' holds 131072 of its 131072 bytes", run.Output);
        Assert.Contains("when all is closed, 0 bytes are pinned", run.Output);
    }
}
