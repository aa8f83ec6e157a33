using Allot.Processes.Launching;
using Allot.Processes.Native;

namespace Allot.Processes.Tests.Launching;

public sealed class LaunchFailureTests : IDisposable
{
    private readonly TestLaunch _launch = new();

    public LaunchFailureTests() => Assert.SkipWhen(TestLaunch.Unsupported is not null, TestLaunch.Unsupported ?? "");

    public void Dispose() => _launch.Dispose();

    [Theory]
    [InlineData("/no/such/program", Errno.ENOENT)]
    [InlineData("no-such-program-in-path", Errno.ENOENT)]
    [InlineData("", Errno.ENOENT)]
    [InlineData("/etc/passwd", Errno.EACCES)]
    [InlineData("/etc", Errno.EACCES)]
    [InlineData("/etc/passwd/x", Errno.ENOTDIR)]
    public void A_command_that_cannot_be_executed_says_why(string command, int errno)
    {
        LaunchedProcess process = _launch.Start(new LaunchPlan { Command = [command], Launcher = TestLaunch.Launcher });
        var e = Assert.Throws<LaunchException>(process.Exec);
        Assert.Equal((LaunchStage.Exec, errno), (e.Stage, e.Errno));
        Assert.Contains($"'{command}'", e.Message, StringComparison.Ordinal);
        Assert.Contains(Errno.Name(errno), e.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists($"/proc/{process.Pid}"), "it is reaped");
    }

    [Fact]
    public void A_command_that_cannot_be_executed_under_a_filter_says_why()
    {
        LaunchedProcess process = _launch.Start(new LaunchPlan
        {
            Command = ["no-such-program-in-path"],
            Filter = TestLaunch.Filter("execve", "execveat"),
            Launcher = TestLaunch.Launcher,
        });
        int answered = 0;
        _launch.AnswerOnAThread(_ => Interlocked.Increment(ref answered) & 0);
        var e = Assert.Throws<LaunchException>(process.Exec);
        Assert.Equal((LaunchStage.Exec, Errno.ENOENT), (e.Stage, e.Errno));
        Assert.True(answered >= 1, "each directory of PATH is an execve");
    }

    [Fact]
    public void An_execve_that_the_supervisor_refuses_is_told_with_its_errno()
    {
        LaunchedProcess process = _launch.StartShell("echo ran", TestLaunch.Filter("execve"));
        _launch.AnswerOnAThread(static _ => Errno.ENOMEM);
        var e = Assert.Throws<LaunchException>(process.Exec);
        Assert.Equal((LaunchStage.Exec, Errno.ENOMEM), (e.Stage, e.Errno));
        Assert.Equal("", _launch.Output);
    }

    [Fact]
    public void A_script_without_an_interpreter_line_runs_in_the_shell()
    {
        string script = Path.Combine(_launch.DirectoryPath, "script");
        File.WriteAllText(script, "exit 9\n");
        const UnixFileMode Executable = UnixFileMode.UserRead | UnixFileMode.UserExecute;
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(script, Executable);
        _launch.Start(new LaunchPlan { Command = [script], Launcher = TestLaunch.Launcher });
        Assert.Equal(9, _launch.Finish().Code);
    }

    [Fact]
    public void A_cgroup_that_cannot_be_joined_is_named()
    {
        string missing = Path.Combine(_launch.DirectoryPath, "cgroup.procs");
        var e = Assert.Throws<LaunchException>(() => _launch.Start(new LaunchPlan
        {
            Command = ["true"],
            CgroupProcsFiles = ["/dev/null", missing],
            Launcher = TestLaunch.Launcher,
        }));
        Assert.Equal((LaunchStage.JoinCgroup, Errno.ENOENT), (e.Stage, e.Errno));
        Assert.Contains(missing, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_launcher_that_does_not_exist_is_named()
    {
        var plan = new LaunchPlan { Command = ["true"], Launcher = new LauncherCommand("/no/launcher", []) };
        var e = Assert.Throws<LaunchException>(() => _launch.Start(plan));
        Assert.Equal((LaunchStage.Start, Errno.ENOENT), (e.Stage, e.Errno));
        Assert.Contains("/no/launcher", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_launcher_that_ends_at_once_is_told()
    {
        var plan = new LaunchPlan { Command = ["true"], Launcher = new LauncherCommand("/bin/false", []) };
        var e = Assert.Throws<LaunchException>(() => _launch.Start(plan));
        Assert.Equal(LaunchStage.Start, e.Stage);
        Assert.Contains("exit code 1", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_command_and_a_zero_character_are_refused()
    {
        Assert.Throws<ArgumentException>(() => _launch.Start(new LaunchPlan { Command = [] }));
        Assert.Throws<ArgumentException>(() => _launch.Start("a\0b"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public unsafe void A_launcher_whose_supervisor_dies_ends(bool afterThePlan)
    {
        int* pair = stackalloc int[2];
        Assert.Equal(0, LibC.SocketPair(LibC.AF_UNIX, LibC.SOCK_STREAM | LibC.SOCK_CLOEXEC, 0, pair));
        List<byte[]> environment = CommandEnvironment.OfThisProcess();
        int pid = Launcher.Spawn(TestLaunch.Launcher, CommandEnvironment.ForLauncher(environment), pair[1]);
        _ = LibC.Close(pair[1]);
        if (afterThePlan)
        {
            byte[] message = PlanMessage.Encode(
                new LaunchPlan { Command = ["true"], Filter = TestLaunch.Filter("execve", "exit_group") }, environment);
            fixed (byte* bytes = message) Assert.True(ControlSocket.TrySend(pair[0], bytes, (nuint)message.Length));
            Assert.True(ControlSocket.TryReceiveReply(pair[0], out ControlSocket.Reply reply, out int listener));
            Assert.Equal(0, reply.Failed);
            _ = LibC.Close(listener);
        }
        _ = LibC.Close(pair[0]);

        LibC.ChildInfo info;
        Assert.Equal(0, LibC.WaitId(LibC.P_PID, pid, &info, LibC.WEXITED));
        Assert.Equal((LibC.CLD_EXITED, 125), (info.Code, info.Status));
    }

    [Fact]
    public void The_hidden_mode_is_asked_for_by_its_name()
    {
        Assert.False(LauncherMode.IsRequested([]));
        Assert.False(LauncherMode.IsRequested(["run", "--", "true"]));
        Assert.True(LauncherMode.IsRequested(["__launch", "3"]));
    }
}
