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

    // Where kernel memory is read from memory.stat, the reading may miss 64 pages per processor.
    private const long BoundBytes = 2 * 64 * 4096 + (512 * 1024);

    [Fact]
    public void The_loop_is_refused_and_stays_under_the_bound()
    {
        VmResult result = vm.Result(VmScenarios.Loop);
        Assert.EndsWith("ENOMEM", result.Run.After("mkdir"), StringComparison.Ordinal);
        AssertKernelLimitHeld(result, "mkdir", "ENOMEM");
        Assert.Equal(2, result.Allot.Number("cgroup.version"));
    }

    [Fact]
    public void A_neighbour_of_the_loop_finishes()
    {
        VmResult result = vm.Result(VmScenarios.LoopBesideNeighbour);
        Assert.Contains("mkdir 2000 ok", result.Run.Output, StringComparison.Ordinal);
        Assert.Equal("0", result.Run.After("free"));
        AssertKernelLimitHeld(result, "mkdir", "ENOMEM");
    }

    [Fact]
    public void The_loop_of_a_shell_ends()
    {
        VmResult result = vm.Result(VmScenarios.ShellLoop);
        Assert.False(result.Run.TimedOut, result.Run.ToString());
        Assert.True(result.Allot.Number("kernel.refused") >= 1, result.ToString());
        Assert.Empty(result.Cgroups);
    }

    [Fact]
    public void A_fork_bomb_is_refused_and_its_neighbour_is_not()
    {
        VmResult result = vm.Result(VmScenarios.ForkBomb);
        Assert.True(result.Run.NumberAfter("refused EAGAIN") > 0, result.Run.ToString());
        Assert.Equal("0 ok", result.Run.After("forks failed"));
        AssertKernelLimitHeld(result, "clone", "EAGAIN");
    }

    [Fact]
    public void Pins_of_all_sorts_share_one_limit()
    {
        VmResult result = vm.Result(VmScenarios.Pins);
        string[] steps =
        [
            "map ok", "mlock ok", "mlock ENOMEM", "mlock ok", "mlock2-onfault ok", "status VmLck=768kB VmPin=0kB",
            "mmap-locked EAGAIN", "mlockall ENOMEM", "shm-lock ENOMEM", "> map ok", "> mlock ENOMEM", "fork-and ok",
            "munlockall ok", "mlock ok", "status VmLck=1024kB VmPin=0kB",
        ];
        Assert.Equal(steps, result.Run.Lines);
        Assert.Equal(1024 * 1024, result.Allot.Number("pins.peak_bytes"));
        Assert.Equal(5, result.Allot.Number("pins.refused"));
    }

    [Fact]
    public void Three_mechanisms_do_not_get_three_times_the_limit()
    {
        string[] steps =
        [
            "map ok", "touch ok", "mlock ok", "uring-setup ok", "uring-register ENOMEM", "shm-lock ENOMEM",
            "munlockall ok", "uring-register ok", "status VmLck=0kB VmPin=64kB",
        ];
        Assert.Equal(steps, vm.Result(VmScenarios.ThreeMechanisms).Run.Lines);
    }

    [Fact]
    public void The_kernel_enforces_the_memory_limit_and_the_report_says_so()
    {
        VmResult result = vm.Result(VmScenarios.MemoryLimit);
        Assert.Equal(137, result.Run.ExitCode);
        Assert.Equal(9, result.Allot.Number("signal"));
        Assert.Equal(1, result.Allot.Number("memory.oom_kills"));
        Assert.True(result.Allot.Number("memory.peak_bytes") <= 32 << 20, result.ToString());
    }

    [Fact]
    public void Below_the_root_the_command_makes_room_for_itself_and_leaves_nothing()
    {
        VmResult result = vm.Result(VmScenarios.BelowTheRoot);
        AssertKernelLimitHeld(result, "mkdir", "ENOMEM");
        Assert.Equal("removed", result.Run.Lines[^1]);
        Assert.Empty(result.Cgroups);
    }

    private static void AssertKernelLimitHeld(VmResult result, string call, string errno)
    {
        Assert.True(result.Allot.Number("kernel.refused") >= 1, result.ToString());
        long? max = result.Allot.Number("kernel.max_bytes");
        Assert.True(result.Allot.Number("kernel.peak_bytes") <= max + BoundBytes, result.ToString());
        Assert.Contains(result.Allot.Element("refusals").EnumerateArray(), refusal =>
            refusal.GetProperty("call").GetString() == call && refusal.GetProperty("errno").GetString() == errno);
    }
}
