using Allot.Processes.Tests.Run;
using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Issues;

// Calls whose cost is that of what they copy passed the limit by many times the bound, because their estimates were
// fixed or they were not intercepted at all.
public sealed class CopiesTests
{
    public CopiesTests() => Require.Root();

    [Theory]
    [InlineData("mappings", "EAGAIN")]
    [InlineData("unshared", "ENOMEM")]
    [InlineData("cloned", "EAGAIN")]
    [InlineData("mounts", "ENOMEM")]
    [InlineData("filters", "ENOMEM")]
    [InlineData("groups", "ENOMEM")]
    public void What_is_copied_is_counted_before_it_is_copied(string what, string error)
    {
        AllotResult result = AllotCommand.Run(["--kernel-max", "16M"], [Require.Program("copies"), what, "2000"]);
        GroupAssert.ExitedWith(0, result);
        string outcome = result.Run.After("copies")!.Split(' ')[1];
        Assert.SkipWhen(outcome is "EPERM", "this process may not do that");
        Assert.Contains(outcome, new[] { error, "EAGAIN" });
        GroupAssert.KernelStayedBelowTheBound(result);
        GroupAssert.NothingWasLeftBehind(result);
    }

    // Taken for 64 times its size, a ring buffer of 1 MiB did not fit under 16 MiB.
    [Fact]
    public void A_ring_buffer_costs_what_it_says()
    {
        AllotResult result = AllotCommand.Run(["--kernel-max", "16M"], [Require.Program("copies"), "rings", "8"]);
        GroupAssert.ExitedWith(0, result);
        string outcome = result.Run.After("copies")!;
        Assert.SkipWhen(outcome.EndsWith("EPERM", StringComparison.Ordinal), "this process may not make BPF maps");
        Assert.SkipWhen(outcome.EndsWith("EINVAL", StringComparison.Ordinal), "this kernel has no BPF ring buffers");
        Assert.Equal("8 ok", outcome);
    }
}
