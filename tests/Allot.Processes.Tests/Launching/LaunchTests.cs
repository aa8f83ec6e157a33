using System.Globalization;
using Allot.Processes.Launching;
using Allot.Processes.Native;

namespace Allot.Processes.Tests.Launching;

/// <summary>Launches without a filter: what the command finds, and what its end tells.</summary>
public sealed class LaunchTests : IDisposable
{
    private readonly TestLaunch _launch = new();

    public LaunchTests() => Assert.SkipWhen(TestLaunch.Unsupported is not null, TestLaunch.Unsupported ?? "");

    public void Dispose() => _launch.Dispose();

    [Fact]
    public void A_command_without_a_filter_runs_and_has_no_listener()
    {
        LaunchedProcess process = _launch.StartShell("echo $$; exit 7");
        Assert.Null(process.Listener);
        Assert.Equal(new ExitStatus(7, 0), _launch.Finish());
        Assert.Equal($"{process.Pid}\n", _launch.Output);
        Assert.Equal(new ExitStatus(7, 0), process.Wait());
    }

    [Fact]
    public void A_signal_that_ends_the_command_is_told()
    {
        _launch.StartShell("kill -TERM $$");
        ExitStatus status = _launch.Finish();
        Assert.Equal(new ExitStatus(0, SignalNumber.SIGTERM), status);
        Assert.Equal(143, status.ShellCode);
    }

    [Fact]
    public void Signals_are_sent_to_the_process_as_long_as_it_lives()
    {
        LaunchedProcess process = _launch.Start("sleep 1000");
        process.Exec();
        Assert.False(process.TryWait(out _));
        Assert.True(process.SendSignal(SignalNumber.SIGKILL));
        Assert.Equal(new ExitStatus(0, SignalNumber.SIGKILL), process.Wait());
        Assert.True(process.TryWait(out _));
        Assert.False(process.SendSignal(SignalNumber.SIGKILL));
    }

    [Fact]
    public void A_process_that_is_never_released_ends_with_its_handle()
    {
        LaunchedProcess process = _launch.StartShell("echo ran");
        process.Dispose();
        Assert.False(Directory.Exists($"/proc/{process.Pid}"), "it is reaped");
        Assert.Equal("", _launch.Output);
    }

    [Fact]
    public void Arguments_arrive_unchanged()
    {
        string[] arguments = ["", " ", "a b", "'\"\\$x\n\t", "ä€😀", "-x", "--", new string('y', 100_000)];
        _launch.Start(new LaunchPlan
        {
            Command = ["sh", "-c", $"printf '<%s>' \"$@\" >'{_launch.OutputFile}'", "name", .. arguments],
            Launcher = TestLaunch.Launcher,
        });
        Assert.Equal(0, _launch.Finish().Code);
        Assert.Equal(string.Concat(arguments.Select(static a => $"<{a}>")), _launch.Output);
    }

    [Fact]
    public void The_environment_arrives_unchanged_and_without_what_the_launcher_needs()
    {
        _launch.StartShell("cat /proc/self/environ");
        Assert.Equal(0, _launch.Finish().Code);

        // The shell adds or changes these itself.
        string[] shells = ["_", "PWD", "OLDPWD", "SHLVL"];
        IEnumerable<string> Variables(string text) =>
            text.Split('\0').Where(v => v.Length > 0 && !shells.Contains(v.Split('=')[0]));
        Assert.Equal(
            Variables(File.ReadAllText("/proc/self/environ")).Order(StringComparer.Ordinal),
            Variables(_launch.Output).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Signal_dispositions_are_default_and_the_mask_is_empty()
    {
        _launch.StartShell("grep -E 'SigIgn|SigBlk|NoNewPrivs|Seccomp:' /proc/self/status | tr -d '\\t\\n'",
            inherited: new InheritedState(0, 0, null));
        Assert.Equal(0, _launch.Finish().Code);
        string zero = new('0', 16);
        Assert.Equal($"SigBlk:{zero}SigIgn:{zero}NoNewPrivs:0Seccomp:0", _launch.Output);
    }

    [Fact]
    public void A_signal_that_was_ignored_or_blocked_stays_so()
    {
        ulong hangUp = SignalNumber.Bit(SignalNumber.SIGHUP) | SignalNumber.Bit(SignalNumber.SIGTERM);
        ulong user = SignalNumber.Bit(SignalNumber.SIGUSR1);
        _launch.StartShell("grep -E 'SigIgn|SigBlk' /proc/self/status | tr -d '\\t\\n'",
            inherited: new InheritedState(hangUp, user, null));
        Assert.Equal(0, _launch.Finish().Code);
        Assert.Equal($"SigBlk:{user:x16}SigIgn:{hangUp:x16}", _launch.Output);
    }

    [Fact]
    public void A_writer_whose_reader_has_left_is_ended_by_SIGPIPE()
    {
        // With SIGPIPE ignored, yes would complain and exit with 1.
        Assert.SkipUnless(TestLaunch.HasProgram("bash"), "needs bash for PIPESTATUS");
        _launch.Start(new LaunchPlan
        {
            Command = ["bash", "-c", $"yes | head -1 >/dev/null; echo ${{PIPESTATUS[0]}} >'{_launch.OutputFile}'"],
            Launcher = TestLaunch.Launcher,
            Inherited = InheritedState.OfThisProcess() with { IgnoredSignals = 0 },
        });
        Assert.Equal(0, _launch.Finish().Code);
        Assert.Equal("141\n", _launch.Output);
    }

    [Fact]
    public void The_open_files_limit_is_the_inherited_one()
    {
        _launch.StartShell("ulimit -Sn", inherited: new InheritedState(0, 0, 321));
        Assert.Equal(0, _launch.Finish().Code);
        Assert.Equal("321\n", _launch.Output);
    }

    [Fact]
    public void Process_group_session_and_directory_are_ours()
    {
        _launch.StartShell("pwd -P; cut -d' ' -f4-7 /proc/$$/stat");
        Assert.Equal(0, _launch.Finish().Code);
        string[] own = File.ReadAllText("/proc/self/stat").Split(") ")[^1].Split(' ');
        string expected = $"{Environment.CurrentDirectory}\n{Environment.ProcessId} {own[2]} {own[3]} {own[4]}\n";
        Assert.Equal(expected, _launch.Output);
    }

    [Fact]
    public unsafe void Descriptors_are_inherited_if_and_only_if_they_are_not_closed_on_exec()
    {
        using FileStream file = File.OpenRead("/proc/self/status");
        int kept = LibC.Fcntl((int)file.SafeFileHandle.DangerousGetHandle(), F_DUPFD, 50);
        int closed = LibC.Fcntl((int)file.SafeFileHandle.DangerousGetHandle(), F_DUPFD_CLOEXEC, 50);
        try
        {
            HashSet<string> before = Inheritable();
            // The shell opens the output as 1, and ls the directory as 3.
            _launch.StartShell("for f in /proc/$$/fd/*; do echo ${f##*/}; done");
            Assert.Equal(0, _launch.Finish().Code);
            HashSet<string> allowed = [.. before, .. Inheritable()];
            string[] found = _launch.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

            Assert.Contains($"{kept}", found);
            Assert.DoesNotContain($"{closed}", found);
            // Other tests may open and close descriptors meanwhile; the shell keeps a copy of what it redirects.
            allowed.UnionWith(["0", "1", "2", "3", "10"]);
            Assert.Subset(allowed, found.ToHashSet());
        }
        finally
        {
            _ = LibC.Close(kept);
            _ = LibC.Close(closed);
        }

        static HashSet<string> Inheritable() =>
            [.. Directory.GetFiles("/proc/self/fd").Select(static f => Path.GetFileName(f)).Where(IsInheritable)];

        static bool IsInheritable(string number) =>
            LibC.Fcntl(int.Parse(number, CultureInfo.InvariantCulture), LibC.F_GETFD, 0) == 0;
    }

    private const int F_DUPFD = 0;
    private const int F_DUPFD_CLOEXEC = 1030;
}
