using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Groups;

// The library's front door to groups of processes, with the built command as launcher.
public sealed class ProcessGroupTests
{
    private const long MiB = 1 << 20;

    [Fact]
    public void Two_commands_below_one_parent_share_its_limit()
    {
        Require.Root();
        string program = Require.Program("lock");
        MemoryGroup parent = new MemoryController().Root.CreateChild("pair", new() { PinsMaxBytes = MiB });

        using ProcessGroup first = Start("first", parent, program, "map", "a", "1M", "mlock", "a", "0", "768K", "hold", "20");
        Wait.Until(() => parent.Pins.CurrentBytes == 768 * 1024);
        using ProcessGroup second = Start("second", parent, program, "map", "a", "1M", "mlock", "a", "0", "512K");
        ProcessGroupReport refused = second.WaitForExit();

        Assert.Equal(1, refused.Pins.Refused);
        Assert.Equal("mlock", Assert.Single(refused.Refusals).Call);
        Assert.Equal(1, parent.ReadLocalEvents().PinsMax);
        Assert.Equal(768 * 1024, first.Group.Pins.CurrentBytes);

        first.Dispose();
        Assert.Equal(0, parent.Pins.CurrentBytes);
        Assert.Equal(0, parent.Memory.CurrentBytes);
        Assert.Equal(0, parent.Kernel.CurrentBytes);
        Assert.Empty(parent.Children);
    }

    [Fact]
    public void A_limit_raised_while_the_command_runs_lets_it_go_on()
    {
        Require.Root();
        string program = Require.Program("lock");
        MemoryGroup parent = new MemoryController().Root;
        string[] steps = ["map", "a", "4M", "mlock", "a", "0", "2M", "hold", "1", "mlock", "a", "0", "2M"];
        using ProcessGroup group = Start("raised", parent, program, steps);
        Wait.Until(() => group.Group.ReadLocalEvents().PinsMax == 1);
        group.Group.Pins.MaxBytes = 4 * MiB;

        ProcessGroupReport report = group.WaitForExit();
        Assert.Equal(1, report.Pins.Refused);
        Assert.Equal(2 * MiB, report.Pins.PeakBytes);
    }

    [Fact]
    public void Counters_show_what_the_command_holds_while_it_runs()
    {
        Require.Root();
        string program = Require.Program("lock");
        using ProcessGroup group = Start("shown", null, program, "map", "a", "1M", "mlock", "a", "0", "256K", "hold", "20");
        Wait.Until(() => group.Group.ReadStat().LockedBytes == 256 * 1024
            && group.Group.Kernel.CurrentBytes > 0
            && group.Group.Memory.CurrentBytes > 256 * 1024);   // sampled ten times a second
        Assert.True(group.Group.Memory.CurrentBytes < 64 * MiB);
        Assert.True(group.SendSignal(15));
        Assert.Equal(143, group.WaitForExit().ExitCode);
    }

    [Fact]
    public void A_failed_start_leaves_no_group_behind()
    {
        MemoryGroup parent = new MemoryController().Root;
        ProcessGroupException failure = Assert.Throws<ProcessGroupException>(
            () => Start("missing", parent, "/nonexistent/command"));
        Assert.Equal(ProcessGroupFailure.CommandNotFound, failure.Failure);
        Assert.Contains("/nonexistent/command", failure.Message, StringComparison.Ordinal);
        Assert.Empty(parent.Children);
    }

    private static ProcessGroup Start(string name, MemoryGroup? parent, string program, params string[] arguments) =>
        ProcessGroup.Start(new ProcessGroupOptions
        {
            Name = name,
            Parent = parent,
            Command = [program, .. arguments],
            PinsMaxBytes = MiB,
            Launcher = [AllotCommand.HostPath],
        });
}
