using Allot.Processes.Seccomp;
using Allot.Processes.Supervision;
using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Supervision;

// Estimates of calls of this process.
public sealed class KernelCallsTests
{
    private const ulong CloneMemory = 0x100, CloneMounts = 0x20000, MountTree = 0x4000;

    public KernelCallsTests() => Require.Linux();

    // Counting the mappings or mounts of a process takes longer than an answer may.
    [Theory]
    [InlineData("fork", 0, 0ul, true), InlineData("vfork", 0, 0ul, false)]
    [InlineData("clone", 0, 0ul, true), InlineData("clone", 0, CloneMemory, false)]
    [InlineData("unshare", 0, CloneMounts, true), InlineData("unshare", 0, 0x400ul, false)]
    [InlineData("mount", 3, MountTree, true), InlineData("mount", 3, 0ul, false)]
    [InlineData("mkdir", 0, 0ul, false), InlineData("bpf", 0, 0ul, false)]
    public void An_estimate_that_takes_long_says_so_before(string name, int argument, ulong value, bool isSlow)
    {
        int said = 0;
        Estimate(name, argument, value, () => said++);
        Assert.Equal(isSlow ? 1 : 0, said);
    }

    [Fact]
    public void A_copy_of_a_process_costs_more_than_a_thread() =>
        Assert.True(Estimate("clone", 0, 0) > Estimate("clone", 0, CloneMemory));

    [Fact]
    public unsafe void A_map_with_a_value_for_each_processor_costs_more()
    {
        const uint Hash = 1, HashPerProcessor = 5;
        const uint KeyBytes = 4, ValueBytes = 64, Entries = 1000;
        uint* map = stackalloc uint[] { Hash, KeyBytes, ValueBytes, Entries, 0 };
        long plain = Estimate("bpf", 1, (ulong)map);
        map[0] = HashPerProcessor;
        long perProcessor = Estimate("bpf", 1, (ulong)map);
        Assert.Equal(ValueBytes * Entries * (Environment.ProcessorCount - 1), perProcessor - plain);
    }

    private static long Estimate(string name, int argument, ulong value, Action? beforeSlowWork = null)
    {
        var call = new SeccompNotification { ThreadId = Environment.ProcessId };
        call.Arguments[argument] = value;
        return KernelCalls.All.First(rule => rule.Name == name).Estimate(call, beforeSlowWork ?? (static () => { }));
    }
}
