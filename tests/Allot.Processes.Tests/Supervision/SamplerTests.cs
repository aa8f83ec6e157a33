using Allot.Processes.Supervision;

namespace Allot.Processes.Tests.Supervision;

public sealed class SamplerTests
{
    // Kernel memory was read, a member was looked at, and then the cgroup was gone before the rest was read.
    [Fact]
    public void A_cgroup_that_is_removed_in_the_middle_of_a_sample_ends_the_sample()
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("g");
        var cgroup = new FakeMemoryCgroup { KernelBytes = 1000 };
        var members = new FixedMembers();
        members.Pids.Add(Environment.ProcessId);
        var parts = new SupervisorParts
        {
            Group = group,
            Members = members,
            Cgroup = cgroup,
            Calls = null,
            DeniesIoUring = false,
        };
        var kernel = new KernelLimit(group, cgroup, static () => { });
        var sampler = new Sampler(parts, kernel, new PinLimit(group, members, static () => { }));
        foreach (int _ in sampler.Parts(discover: true)) cgroup.IsRemoved = true;
        Assert.True(cgroup.IsRemoved);
        Assert.Equal(1000, group.Kernel.CurrentBytes);
        Assert.Empty(sampler.KernelByKind);
        Assert.NotEmpty(sampler.Parts(discover: true));   // members may hold pins all the same
        Assert.True(kernel.IsLost);
    }
}
