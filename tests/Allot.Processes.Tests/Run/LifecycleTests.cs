using Allot.Processes.Native;
using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Run;

// From the start of the command to its end, and every way to get there.
public sealed class LifecycleTests : IDisposable
{
    private const string Handler = """
        import os, signal, sys
        def on(number, frame):
            print("got", signal.Signals(number).name, flush=True)
            os._exit(9)
        for name in sys.argv[1:]: signal.signal(getattr(signal, name), on)
        print("ready", flush=True)
        while True: signal.pause()
        """;

    private readonly ScratchDirectory _scratch = new();

    public LifecycleTests() => Require.Linux();

    public void Dispose() => _scratch.Dispose();

    [Theory]
    [InlineData("exit 0", 0, null)]
    [InlineData("exit 3", 3, null)]
    [InlineData("exit 255", 255, null)]
    [InlineData("kill -KILL $$", 137, 9)]
    [InlineData("kill -SEGV $$", 139, 11)]
    [InlineData("kill -TERM $$", 143, 15)]
    public void The_exit_status_is_the_commands(string script, int code, int? signal)
    {
        foreach (string[] options in new string[][] { [], ["--pins-max", "1G"] })
        {
            AllotResult result = AllotCommand.Run(options, ["sh", "-c", script]);
            GroupAssert.ExitedWith(code, result);
            Assert.Equal(code, result.Number("exit_code"));
            Assert.Equal(signal, result.Number("signal"));
            Assert.True(result.Element("duration_ms").GetDouble() > 0);
            GroupAssert.NothingWasLeftBehind(result);
        }
    }

    [Theory]
    [InlineData("run --bogus -- true", "'--bogus'")]
    [InlineData("run --kernel-max 12Q -- true", "--kernel-max", "'12Q'")]
    [InlineData("run --pins-max=-5 -- true", "--pins-max", "'-5'")]
    [InlineData("run --memory-max= -- true", "'--memory-max'")]
    [InlineData("run --pins-max 99999999999G -- true", "--pins-max", "'99999999999G'")]
    [InlineData("run --pins-max", "no command")]
    [InlineData("run --pins-max -- true", "'--pins-max'")]
    [InlineData("run --pins-max 1M --pins-max 2M -- true", "--pins-max")]
    [InlineData("run --name a/b -- true", "--name", "'a/b'")]
    [InlineData("run --name= -- true", "'--name'")]
    [InlineData("run --name .. -- true", "--name", "'..'")]
    [InlineData("run --report xml -- true", "'xml'")]
    [InlineData("run --report-file /no/such/place -- true", "--report-file", "'/no/such/place'")]
    [InlineData("run --report-file / -- true", "--report-file", "'/'")]
    [InlineData("run extra -- true", "'extra'")]
    [InlineData("run true", "'true'", "--")]
    [InlineData("run", "no command")]
    [InlineData("run --", "no command")]
    [InlineData("walk", "'walk'")]
    [InlineData("", "Usage")]
    public void What_cannot_be_understood_is_quoted_and_nothing_runs(string arguments, params string[] said)
    {
        RunResult result = AllotCommand.Invoke(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(125, result.ExitCode);
        Assert.Equal("", result.Output);
        foreach (string part in said) Assert.Contains(part, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void An_empty_argument_for_an_option_is_quoted()
    {
        foreach (string option in new[] { "--pins-max", "--name" })
        {
            RunResult result = AllotCommand.Invoke(["run", option, "", "--", "true"]);
            Assert.Equal(125, result.ExitCode);
            Assert.Contains($"{option}: ", result.Error, StringComparison.Ordinal);
            Assert.Contains("''", result.Error, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("/etc/passwd", 126, "Permission denied")]
    [InlineData("/etc", 126, "Permission denied")]
    [InlineData("/no/such/program", 127, "No such file")]
    [InlineData("no-such-program-anywhere", 127, "No such file")]
    public void A_command_that_cannot_run_says_which_and_why(string command, int code, string why)
    {
        foreach (string[] options in new string[][] { [], ["--pins-max", "1M"] })
        {
            RunResult result = AllotCommand.Invoke(["run", .. options, "--", command, "argument"]);
            Assert.Equal(code, result.ExitCode);
            Assert.Contains($"'{command}'", result.Error, StringComparison.Ordinal);
            Assert.Contains(why, result.Error, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(32)]
    [InlineData(63)]
    public void Too_few_open_files_are_named_with_what_to_do(int files)
    {
        RunResult result = ProcessRunner.Run(
            "sh", ["-c", $"ulimit -n {files}; exec '{AllotCommand.HostPath}' run --pins-max 1M -- echo never"]);
        Assert.Equal(125, result.ExitCode);
        Assert.Equal("", result.Output);
        string line = Assert.Single(result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith($"allot: the limit of open files is {files}, and Allot needs 64", line, StringComparison.Ordinal);
        Assert.Contains("ulimit -n", line, StringComparison.Ordinal);
    }

    [Fact]
    public void So_many_open_files_are_enough()
    {
        string[] limits = Environment.IsPrivilegedProcess ? ["--kernel-max", "1G", "--pins-max", "1M"] : ["--pins-max", "1M"];
        RunResult result = ProcessRunner.Run(
            "sh", ["-c", "ulimit -n 64; exec \"$@\"", "sh", AllotCommand.HostPath, "run", "--report", "none", .. limits, "--", "sh", "-c", "ulimit -n"]);
        Assert.Equal(("64\n", "", 0), (result.Output, result.Error, result.ExitCode));
    }

    [Fact]
    public void A_kernel_that_is_too_old_is_told_with_what_is_needed()
    {
        string setarch = Require.Tool("setarch");
        RunResult result = ProcessRunner.Run(
            setarch, ["--uname-2.6", AllotCommand.HostPath, "run", "--pins-max", "1M", "--", "echo", "never"]);
        Assert.Equal((125, ""), (result.ExitCode, result.Output));
        Assert.StartsWith("allot: Groups of processes need Linux 5.5 or later; this kernel says that it is 2.6.", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_no_program_is_not_executable()
    {
        string file = _scratch.File("garbage");
        File.WriteAllBytes(file, [0x7f, 1, 2, 3, 4]);
        MakeAccessible(file);
        RunResult outside = ProcessRunner.Run("env", [file]);
        RunResult result = AllotCommand.Invoke(["run", "--", file]);
        Assert.Equal(outside.ExitCode, result.ExitCode);
    }

    [Fact]
    public void A_script_without_an_interpreter_line_runs_as_under_a_shell()
    {
        string file = _scratch.File("script");
        File.WriteAllText(file, "echo from a script $1\n");
        MakeAccessible(file);
        Assert.Equal("from a script x\n", ProcessRunner.Run("env", [file, "x"]).Output);
        Assert.Equal("from a script x\n", AllotCommand.Invoke(["run", "--report", "none", "--", file, "x"]).Output);
    }

    [Theory]
    [InlineData("SIGTERM", 15), InlineData("SIGINT", 2), InlineData("SIGHUP", 1), InlineData("SIGQUIT", 3)]
    [InlineData("SIGUSR1", 10), InlineData("SIGUSR2", 12)]
    public async Task A_signal_to_allot_reaches_the_command(string name, int number)
    {
        using AllotRun run = AllotCommand.Start(["--pins-max", "1M"], [Require.Python(), "-c", Handler, name]);
        await run.Program.WaitForLineAsync("ready");
        Assert.Equal(0, LibC.Kill(run.Program.Id, number));
        AllotResult result = await run.WaitForEndAsync();
        GroupAssert.ExitedWith(9, result);
        Assert.Equal($"got {name}", result.Run.Lines[^1]);
    }

    [Fact]
    public async Task A_signal_that_the_command_does_not_handle_ends_it_and_is_reported()
    {
        using AllotRun run = AllotCommand.Start(["--pins-max", "1M"], ["sh", "-c", "echo ready; exec sleep 60"]);
        await run.Program.WaitForLineAsync("ready");
        Assert.Equal(0, LibC.Kill(run.Program.Id, SignalNumber.SIGTERM));
        AllotResult result = await run.WaitForEndAsync();
        GroupAssert.ExitedWith(143, result);
        Assert.Equal(15, result.Number("signal"));
    }

    [Fact]
    public async Task What_nohup_ignores_stays_ignored()
    {
        string script = $"'{AllotCommand.HostPath}' run --report none --pins-max 1M -- sh -c 'echo ready; read line; echo $line'";
        using RunningProgram program = ProcessRunner.Start("sh", ["-c", $"trap '' HUP; exec {script}"]);
        await program.WaitForLineAsync("ready");
        Assert.Equal(0, LibC.Kill(program.Id, SignalNumber.SIGHUP));
        program.WriteInput("still here\n");
        RunResult result = await program.WaitForEndAsync();
        Assert.Equal(["ready", "still here"], result.Lines);
        Assert.Equal(0, result.ExitCode);
    }

    [Fact]
    public void Ctrl_C_reaches_the_command_once_and_allot_waits_for_it()
    {
        RunResult result = OnTerminal(
            ["wait:ready", "type:^C"],
            "sh", "-c", "trap 'echo got one; sleep 0.3; exit 7' INT; echo ready; while :; do sleep 0.1; done");
        Assert.Equal("exit 7", result.Lines[^1]);
        Assert.Single(result.Lines, static line => line.EndsWith("got one", StringComparison.Ordinal));
    }

    [Fact]
    public void Ctrl_C_ends_a_command_that_does_not_handle_it()
    {
        RunResult result = OnTerminal(["wait:ready", "type:^C"], "sh", "-c", "echo ready; exec sleep 60");
        Assert.Equal("exit 130", result.Lines[^1]);
    }

    [Fact]
    public void A_command_reads_from_its_terminal_and_is_in_the_foreground()
    {
        RunResult result = OnTerminal(
            ["wait:ready", "type:hello^J"],
            "sh", "-c", "tty >/dev/null && echo ready; read line; echo \"[$line]\"; stty -a | grep -c isig");
        Assert.Contains("[hello]", result.Lines);
        Assert.Equal("exit 0", result.Lines[^1]);
    }

    [Fact]
    public void Ctrl_Z_stops_the_job_and_fg_continues_it()
    {
        string bash = Require.Tool("bash");
        string command = $"'{AllotCommand.HostPath}' run --report none --pins-max 1M -- sh -c 'echo rea''dy; read x; echo \"<$x>\"; exit 6'";
        RunResult result = ProcessRunner.Run(Require.Python(),
        [
            Toolbox.Source("terminal.py"), $"type:{command}^J", "wait:ready", "type:^Z", "wait:Stopped", "wait:# ", "type:fg^J", "wait:run",
            "type:again^J", "wait:<again>", "type:echo status=$?^J", "wait:status=6", "type:exit^J", "--",
            bash, "--norc", "--noprofile", "-i",
        ]);
        Assert.True(result.Lines[^1] == "exit 0", $"{result}");
        Assert.Contains(result.Lines, static line => line.TrimEnd().EndsWith("status=6", StringComparison.Ordinal));
    }

    [Fact]
    public void A_terminal_that_goes_away_ends_the_command()
    {
        RunResult result = OnTerminal(["wait:ready", "hangup"], "sh", "-c", "echo ready; exec sleep 60");
        Assert.Matches("exit (129|1)$", result.Lines[^1]);
    }

    [Fact]
    public void The_cgroup_is_removed_after_a_crash_of_the_command()
    {
        Require.Root();
        AllotResult result = AllotCommand.Run(
            ["--kernel-max", "64M"], ["sh", "-c", "sleep 60 & sleep 60 & kill -SEGV $$"]);
        GroupAssert.ExitedWith(139, result);
        Assert.Equal(2, result.Number("leftover_processes"));
        GroupAssert.NothingWasLeftBehind(result);
    }

    [Fact]
    public void Leftovers_are_asked_before_they_are_killed()
    {
        Require.Root();
        string file = _scratch.File("asked");
        AllotResult result = AllotCommand.Run(
            [], ["sh", "-c", "mkfifo \"$0.fifo\"; (trap 'echo politely >\"$0\"; exit' TERM; echo up >\"$0.fifo\"; while :; do sleep 0.05; done) & read up <\"$0.fifo\"", file]);
        GroupAssert.ExitedWith(0, result);
        Assert.InRange(result.Number("leftover_processes")!.Value, 1, 2);
        Assert.Equal("politely\n", File.ReadAllText(file));
        GroupAssert.NothingWasLeftBehind(result);
    }

    [Fact]
    public void Leftovers_without_a_cgroup_are_found_too()
    {
        Require.Root();
        AllotResult result = AsNobody(["--pins-max", "1M"], ["sh", "-c", "(setsid sleep 61 &) ; (sleep 61 &) ; exit 4"]);
        GroupAssert.ExitedWith(4, result);
        Assert.Equal(2, result.Number("leftover_processes"));
    }

    [Fact]
    public async Task When_allot_is_killed_intercepted_calls_fail_with_ENOSYS_and_nothing_hangs()
    {
        Require.Root();
        string[] calls = ["mkdir", "pipe2", "fork", "openat-plain", "socket", "dup", "mmap", "clone-thread", "openat-creat", "execve"];
        using AllotRun run = AllotCommand.Start(["--kernel-max", "64M"], [Require.Program("calls"), "--wait", .. calls]);
        await run.Program.WaitForLineAsync("ready");
        string cgroup = LeftCgroup.OfChild(run.Program.Id);
        run.Program.KillAlone();
        run.Program.WriteInput("\n");
        RunResult result = (await run.WaitForEndAsync()).Run;
        Assert.False(result.TimedOut);
        Assert.Equal(137, result.ExitCode);
        Assert.Equal(
            ["ready", .. calls.Select(static call => call is "openat-plain" or "dup" or "mmap" ? $"{call} ok" : $"{call} ENOSYS")],
            result.Lines);
        await LeftCgroup.RemoveAsync(cgroup);
    }

    [Fact]
    public void A_group_inside_a_group_says_why_it_cannot_be()
    {
        RunResult result = AllotCommand.Invoke(
            ["run", "--pins-max", "1G", "--report", "none", "--", AllotCommand.HostPath, "run", "--pins-max", "1M", "--", "true"]);
        Assert.Equal(125, result.ExitCode);
        Assert.Contains("seccomp listener already, and the kernel allows one", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void R25_a_program_may_have_filters_of_its_own_but_no_second_listener()
    {
        Require.Root();
        string program = Require.Program("filters");
        Assert.Equal(
            ["plain EACCES", "plain-after ok", "listener ok", "second EBUSY", "sync EINVAL"],
            ProcessRunner.Run(program, []).Lines);

        // Without a filter of Allot's nothing is different. With one, no_new_privs is set and the listener is taken.
        Assert.Equal(
            ["plain EACCES", "plain-after ok", "listener ok", "second EBUSY", "sync EINVAL"],
            AllotCommand.Run(["--memory-max", "1G"], [program]).Run.Lines);
        foreach (string limit in new[] { "--pins-max", "--kernel-max" })
        {
            Assert.Equal(
                ["plain ok", "plain-after ok", "listener EBUSY", "second EBUSY", "sync EINVAL"],
                AllotCommand.Run([limit, "1G"], [program]).Run.Lines);
        }
    }

    [Fact]
    public void A_group_inside_a_group_works_where_only_one_intercepts()
    {
        Require.Root();
        string[] inner = [AllotCommand.HostPath, "run", "--report", "none"];
        RunResult result = AllotCommand.Invoke(["run", "--report", "none", "--memory-max", "1G", "--", .. inner, "--pins-max", "1M", "--", "echo", "in"]);
        Assert.Equal("in\n", result.Output);
        result = AllotCommand.Invoke(["run", "--report", "none", "--pins-max", "1G", "--", .. inner, "--memory-max", "512M", "--", "echo", "in"]);
        Assert.Equal("in\n", result.Output);
        Assert.Equal("", result.Error);
    }

    [Fact]
    public void Without_privilege_pins_work_and_the_others_say_what_is_missing()
    {
        Require.Root();
        string program = _scratch.File("lock");
        File.Copy(Require.Program("lock"), program);
        MakeAccessible(_scratch.Path);
        MakeAccessible(program);
        AllotResult result = AsNobody(
            ["--pins-max", "64K"], [program, "map a 128K mlock a 0 64K mlock a 64K 4K status fork-and map b 4K mlock b 0 4K end"]);
        GroupAssert.ExitedWith(0, result);
        Assert.Equal(["mlock ok", "mlock ENOMEM", "> mlock ENOMEM"], result.Of("mlock"));
        Assert.Equal(64 << 10, result.Number("pins.peak_bytes"));
        Assert.Equal(2, result.Number("pins.refused"));
        Assert.Null(result.Number("kernel.peak_bytes"));

        foreach (string limit in new[] { "--kernel-max", "--memory-max" })
        {
            result = AsNobody([limit, "64M"], ["echo", "never"]);
            Assert.Equal(125, result.ExitCode);
            Assert.Equal("", result.Run.Output);
            Assert.Contains($"{limit} needs a memory cgroup", result.Run.Error, StringComparison.Ordinal);
            Assert.Matches("Run as root|[Dd]elegate", result.Run.Error);
            Assert.Null(result.Report);
        }
    }

    // The command as an ordinary user, in a world-writable place.
    private static AllotResult AsNobody(string[] options, string[] command)
    {
        string[] nobody = [Require.Tool("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups"];
        Assert.SkipUnless(
            ProcessRunner.Run(nobody[0], [.. nobody[1..], "test", "-x", AllotCommand.HostPath]).ExitCode == 0,
            $"an ordinary user cannot read {AllotCommand.HostPath}");
        using ScratchDirectory scratch = new();
        MakeAccessible(scratch.Path);
        string report = scratch.File("report.json");
        RunResult result = ProcessRunner.Run(
            nobody[0], [.. nobody[1..], AllotCommand.HostPath, "run", .. options, "--report", "json", "--report-file", report, "--", .. command],
            new RunOptions { WorkingDirectory = scratch.Path });
        return new AllotResult(result, ReportFile.ReadFrom(report));
    }

    private static void MakeAccessible(string path) =>
        Assert.Equal(0, ProcessRunner.Run("chmod", ["777", path]).ExitCode);

    private static RunResult OnTerminal(string[] steps, params string[] command)
    {
        RunResult result = ProcessRunner.Run(
            Require.Python(),
            [Toolbox.Source("terminal.py"), .. steps, "--", AllotCommand.HostPath, "run", "--report", "none", "--pins-max", "1M", "--", .. command]);
        Assert.False(result.TimedOut || result.Lines[^1] == "exit timeout", $"{result}");
        return result;
    }
}
