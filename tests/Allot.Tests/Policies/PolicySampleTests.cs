using Allot.Tests.Repository;

namespace Allot.Tests.Policies;

/// <summary>The sample of policies does what its comment says.</summary>
[Collection(SampleRun.Collection)]
public sealed class PolicySampleTests
{
    [Fact]
    public async Task A_program_chooses_whom_to_kill()
    {
        SampleRun run = await SampleRun.Of("samples/policies/largest.cs");
        Assert.Contains("a Online, hog Killed, b Online; in use 600000 bytes", run.Output, StringComparison.Ordinal);
    }
}
