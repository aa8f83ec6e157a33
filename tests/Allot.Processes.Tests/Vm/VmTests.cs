using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Vm;

public sealed class VmTests(VmFixture vm) : IClassFixture<VmFixture>
{
    [Fact]
    public void The_machine_has_only_cgroup_v2_with_the_memory_controller()
    {
        RunResult run = vm.Result(VmScenarios.Machine).Run;
        Assert.Contains("memory", run.Lines[0].Split(' '));
        Assert.Equal("0", run.Lines[1]);
    }

    [Fact]
    public void The_published_command_starts()
    {
        RunResult run = vm.Result(VmScenarios.CommandStarts).Run;
        Assert.True(run.ExitCode == 0, run.ToString());
    }

    [Fact]
    public void Kernel_memory_of_a_group_made_by_hand_grows_with_the_loop()
    {
        VmResult result = vm.Result(VmScenarios.KernelMemoryOfHandMadeGroup);
        long[] kernelBytes = [.. result.Run.Lines
            .Where(line => line.StartsWith("kernel ", StringComparison.Ordinal)).Select(line => long.Parse(line[7..]))];
        Assert.Equal("5000 ok", result.Run.After("mkdir"));
        Assert.True(kernelBytes[1] - kernelBytes[0] > 5000 * 500, result.Run.ToString());
        Assert.DoesNotContain("./by-hand", result.Cgroups);
    }

    [Fact]
    public void The_test_programs_run()
    {
        RunResult run = vm.Result(VmScenarios.Programs).Run;
        Assert.Equal(50, run.NumberAfter("forks ok"));
        Assert.Equal("VmLck=64kB VmPin=64kB", run.After("status"));
        Assert.Equal("ok", run.After("execve"));
    }

    [Fact]
    public void A_scenario_past_its_limit_is_ended_and_does_not_stop_the_machine()
    {
        VmResult result = vm.Result(VmScenarios.OutlivesItsLimit);
        Assert.Equal(137, result.Run.ExitCode);
        Assert.InRange(result.Seconds, 1, 20);
    }
}
