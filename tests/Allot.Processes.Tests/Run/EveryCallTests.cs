using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Run;

// One call of each kind that costs kernel memory, made by tests' program "calls": in a group with room it behaves as
// outside, in a full one it fails with an error of its manual page.
public sealed class EveryCallTests
{
    // Pages, contents and duplicates of what exists: not worth a notification each, so not refused one by one.
    private static readonly string[] s_notIntercepted =
    [
        "openat-plain", "open-plain", "connect", "sendmsg", "sendmsg-rights", "dup", "dup3",
        "fcntl-dupfd", "flock", "mmap", "semop-undo", "shmat", "setns",
    ];

    private static readonly string[] s_processes =
        ["fork", "vfork", "clone-process", "clone3", "clone-thread", "pthread_create"];

    public EveryCallTests() => Require.Root();

    [Fact]
    public void With_room_every_call_behaves_as_outside()
    {
        string calls = Require.Program("calls");
        RunResult outside = ProcessRunner.Run(calls, ["all"]);
        AllotResult inside = AllotCommand.Run(
            ["--kernel-max", "1G", "--pins-max", "1G", "--memory-max", "4G", "--allow-io-uring"], [calls, "all"]);
        Assert.Equal(outside.Output, inside.Run.Output);
        Assert.Equal(outside.ExitCode, inside.ExitCode);
        Assert.Empty(inside.Refusals());
    }

    [Fact]
    public void Without_being_allowed_io_uring_is_not_there()
    {
        AllotResult result = AllotCommand.Run(["--kernel-max", "1G"], [Require.Program("calls"), "io_uring_setup", "mkdir"]);
        Assert.Equal(["io_uring_setup ENOSYS", "mkdir ok"], result.Run.Lines);
        Assert.Equal(["io_uring_setup ENOSYS"], result.Refusals());
        Assert.Equal(0, result.Number("kernel.refused"));

        AllotResult pins = AllotCommand.Run(["--pins-max", "1G"], [Require.Program("calls"), "io_uring_setup"]);
        Assert.Equal(["io_uring_setup ok"], pins.Run.Lines);
    }

    [Fact]
    public void In_a_full_group_every_call_is_refused_with_its_own_error()
    {
        using ScratchDirectory scratch = new();
        AllotResult result = AllotCommand.Run(
            ["--kernel-max", "6M", "--allow-io-uring"],
            [Require.Program("calls"), "--fill", scratch.Subdirectory("deep"), "all"]);
        GroupAssert.ExitedWith(0, result);

        string[] lines = result.Run.Lines;
        Assert.EndsWith(" ENOMEM", lines[0], StringComparison.Ordinal);   // fill 4567 ENOMEM
        Assert.Equal(lines[1..].Select(static line => Expected(line.Split(' ')[0])), lines[1..]);
        GroupAssert.KernelStayedBelowTheBound(result);
        GroupAssert.NothingWasLeftBehind(result);
        Assert.Equal(result.Number("kernel.refused"), result.Element("refusals").EnumerateArray().Sum(static row => row.GetProperty("count").GetInt64()));
    }

    [Fact]
    public void A_limit_too_small_for_any_program_refuses_the_command_itself()
    {
        RunResult result = AllotCommand.Invoke(["run", "--kernel-max", "1", "--", "true"]);
        Assert.Equal(125, result.ExitCode);
        Assert.Contains("'true'", result.Error, StringComparison.Ordinal);
        Assert.Contains("Cannot allocate memory", result.Error, StringComparison.Ordinal);
    }

    private static string Expected(string call)
    {
        if (s_notIntercepted.Contains(call)) return $"{call} ok";
        if (s_processes.Contains(call) || call == "timer_create") return $"{call} EAGAIN";
        return call.StartsWith("fcntl-", StringComparison.Ordinal) && call.Contains("setlk", StringComparison.Ordinal)
            ? $"{call} ENOLCK"
            : $"{call} ENOMEM";
    }
}
