using System.Text.RegularExpressions;
using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Run;

// Programs behave under generous limits as without Allot: the same bytes on both outputs, the same exit code, and the
// same of everything that a program inherits.
public sealed partial class TransparencyTests : IDisposable
{
    private static readonly string[] s_generous =
        ["run", "--kernel-max", "1G", "--pins-max", "1G", "--memory-max", "4G", "--report", "none", "--"];

    private readonly ScratchDirectory _scratch = new();

    public TransparencyTests() => Require.Root();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void Python_runs_as_outside() => AssertSame(
        Require.Python(),
        ["-c", """
            import os, subprocess, sys, tempfile, threading
            t = [threading.Thread(target=lambda: sum(range(10000))) for _ in range(8)]
            [x.start() for x in t]; [x.join() for x in t]
            with tempfile.TemporaryDirectory() as d: os.makedirs(d + "/a/b/c")
            print(subprocess.run(["sh", "-c", "echo child; exit 4"], capture_output=True).stdout)
            print(sys.stdin.read().upper(), file=sys.stderr)
            sys.exit(5)
            """],
        new RunOptions { Input = "from a pipe" });

    [Fact]
    public void A_dotnet_program_with_threads_and_collections_runs_as_outside()
    {
        DotnetProgram program = DotnetProgram.Compile(_scratch);
        AssertSame(program.Host, program.Arguments("40"));
    }

    [Fact]
    public void R27_a_dotnet_program_runs_under_a_filter_with_no_right_to_lock()
    {
        DotnetProgram program = DotnetProgram.Compile(_scratch);
        string setpriv = Require.Tool("setpriv");
        AssertSame("sh", ["-c", "ulimit -l 0; exec \"$@\"", "sh", setpriv, "--bounding-set=-ipc_lock", program.Host, .. program.Arguments("5")]);
    }

    [Fact]
    public void The_csharp_compiler_makes_the_same_bytes()
    {
        DotnetProgram outside = DotnetProgram.Compile(_scratch, "outside");
        DotnetProgram inside = DotnetProgram.Compile(_scratch, "inside", [AllotCommand.HostPath, .. s_generous]);
        Assert.Equal(File.ReadAllBytes(outside.Assembly), File.ReadAllBytes(inside.Assembly));
    }

    [Fact]
    public void The_c_compiler_makes_the_same_bytes()
    {
        string gcc = Require.Tool("gcc");
        string outside = _scratch.File("outside.o"), inside = _scratch.File("inside.o");
        string[] arguments = ["-c", "-O2", "-std=gnu17", Toolbox.Source("neighbour.c"), "-o"];
        RunResult first = ProcessRunner.Run(gcc, [.. arguments, outside]);
        RunResult second = AllotCommand.Invoke([.. s_generous, gcc, .. arguments, inside]);
        Assert.Equal(0, first.ExitCode);
        Assert.Equal(first, second);
        Assert.Equal(File.ReadAllBytes(outside), File.ReadAllBytes(inside));
    }

    [Fact]
    public void The_c_compiler_complains_the_same_way()
    {
        string source = _scratch.File("wrong.c");
        File.WriteAllText(source, "int main(void) { return nothing; }\n");
        AssertSame(Require.Tool("gcc"), ["-c", source, "-o", "/dev/null"]);
    }

    [Fact]
    public void Git_status_is_the_same()
    {
        string git = Require.Tool("git");
        string repository = _scratch.Subdirectory("repository");
        for (int i = 0; i < 50; i++) File.WriteAllText(Path.Combine(repository, $"file-{i}"), $"{i}\n");
        RunOptions here = new() { WorkingDirectory = repository };
        Assert.Equal(0, ProcessRunner.Run(git, ["init", "-q", "-b", "main"], here).ExitCode);
        Assert.Equal(0, ProcessRunner.Run(git, ["add", "file-1", "file-2"], here).ExitCode);
        Assert.Equal(0, ProcessRunner.Run(
            git, ["-c", "user.name=n", "-c", "user.email=e@example.org", "commit", "-q", "-m", "first"], here).ExitCode);
        File.AppendAllText(Path.Combine(repository, "file-1"), "more\n");
        AssertSame(git, ["status"], here);
    }

    [Fact]
    public void Stress_ng_locks_the_same_way() => AssertSame(
        Require.Tool("stress-ng"), ["--mlock", "2", "-t", "3"], normalise: static text => Number().Replace(text, "#"));

    // Until the supervisor has received a call (a few microseconds), the kernel lets any signal end it with EINTR if the
    // handler has no SA_RESTART. Shells handle SIGCHLD that way, so it would be "Cannot fork" in a pipeline of dash. The
    // answering threads' priority keeps it rare: here, where every fork competes with the end of a child before, it was
    // one in ten without, and is less than one in a hundred with it.
    [Fact]
    public void Forks_under_signals_without_SA_RESTART_hardly_ever_fail()
    {
        Require.Root();
        const string Script = """
            import errno, os, signal, threading
            signal.signal(signal.SIGCHLD, lambda *_: None); signal.siginterrupt(signal.SIGCHLD, True)
            failed = 0
            for i in range(300):
                try: pid = os.fork()
                except OSError as error: failed += 1; continue
                if pid == 0: os._exit(0)
                if i % 3 == 0:
                    try:
                        while True: os.waitpid(-1, 0)
                    except ChildProcessError: pass
            os.write(1, b"failed %d\n" % failed)   # at once: four of them write
            """;
        string python = Require.Python();
        string several = "for i in 1 2 3 4; do \"$0\" -c \"$1\" & done; wait";
        RunResult result = AllotCommand.Invoke([.. s_generous, "sh", "-c", several, python, Script]);
        Assert.Equal(4, result.Lines.Length);
        Assert.InRange(result.Lines.Sum(static line => int.Parse(line["failed ".Length..])), 0, 36);   // of 1,200
    }

    [Theory, InlineData(""), InlineData("--pins-max 1G"), InlineData("--memory-max 4G --kernel-max 1G")]
    public void What_a_program_inherits_is_the_same(string options)
    {
        // Started from a shell that has ignored some signals, opened a descriptor and lowered what can be lowered.
        const string Start = "trap '' USR2 PIPE; exec 5</etc/passwd; umask 027; ulimit -n 777; ulimit -c 0; nice -n 3 \"$@\"; exit $?";
        const string Look = """
            umask; pwd; ulimit -a; ulimit -Ha; nice; env | sort; cat /proc/self/oom_score_adj /proc/self/personality
            grep -E '^(Sig|Shd|Cap|Uid|Gid|Groups|Cpus_allowed|Threads|NSpid)' /proc/self/status | grep -v -E '^(NSpid|SigQ)'
            for f in /proc/self/fd/*; do n=${f##*/}; [ -e "$f" ] && [ $n != 3 ] && echo "fd $n"; done
            head -1 <&5; ps -o args= -p $$ | head -1
            """;
        string bash = Require.Tool("bash");
        RunOptions here = new() { WorkingDirectory = _scratch.Path, Environment = new Dictionary<string, string?> { ["A_VALUE"] = "with\nlines and 'quotes'" } };
        RunResult outside = ProcessRunner.Run(bash, ["-c", Start, bash, bash, "-c", Look], here);
        RunResult inside = ProcessRunner.Run(
            bash, ["-c", Start, bash, AllotCommand.HostPath, "run", .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries), "--report", "none", "--", bash, "-c", Look], here);
        Assert.Equal(outside.Output, inside.Output);
        Assert.Equal(outside, inside);
        Assert.Contains("fd 5", inside.Lines);
        Assert.Contains("0027", inside.Lines);
        Assert.Contains(inside.Lines, static line => line.StartsWith("root:", StringComparison.Ordinal));
    }

    [Fact]
    public void Blocked_signals_stay_blocked_and_others_are_not()
    {
        // The interpreter ignores SIGPIPE for itself; what it executes in its place should not inherit that.
        const string Start = "import os,signal,sys; signal.signal(signal.SIGPIPE, signal.SIG_DFL); signal.pthread_sigmask(signal.SIG_BLOCK,[signal.SIGUSR1,signal.SIGTERM]); os.execv(sys.argv[1],sys.argv[1:])";
        string[] look = [Require.Tool("grep"), "-E", "^(SigBlk|SigIgn|SigCgt)", "/proc/self/status"];
        RunResult outside = ProcessRunner.Run(Require.Python(), ["-c", Start, .. look]);
        RunResult inside = ProcessRunner.Run(Require.Python(), ["-c", Start, AllotCommand.HostPath, .. s_generous, .. look]);
        Assert.Equal(outside, inside);
        Assert.Contains("SigBlk:\t0000000000004200", inside.Lines);
    }

    [Fact]
    public void Arguments_arrive_word_for_word()
    {
        string[] words =
        [
            "two words", "it's", "\"quoted\"", "", "line\nfeed", "--", "--help", "--kernel-max", "@file", "@", "-", "$HOME",
            "back\\slash", "tab\t", "ä€𝄞", "*", "[diagram]", "/?", "%s",
        ];
        string[] command = [Require.Python(), "-c", "import os,sys; print([os.fsencode(a) for a in sys.argv[1:]])", .. words];
        RunResult outside = ProcessRunner.Run(command[0], command[1..]);
        Assert.Equal(outside, AllotCommand.Invoke(["run", "--report", "none", "--", .. command]));
        Assert.Equal(outside, AllotCommand.Invoke([.. s_generous, .. command]));
    }

    [Fact]
    public void Bytes_that_are_no_text_arrive_in_the_environment()
    {
        // Not in arguments: those the runtime has decoded before anybody can see the bytes.
        const string Look = "import os; print(os.environb.get(b'RAW'))";
        string python = Require.Python();
        string[] start = ["-c", "import os,sys; os.environb[b'RAW']=b'\\xff\\xfe'; os.execv(sys.argv[1],sys.argv[1:])"];
        RunResult inside = ProcessRunner.Run(python, [.. start, AllotCommand.HostPath, .. s_generous, python, "-c", Look]);
        Assert.Equal("b'\\xff\\xfe'\n", inside.Output);
    }

    [Fact]
    public void Input_and_output_are_the_programs_own()
    {
        string text = string.Concat(Enumerable.Range(0, 100_000).Select(static i => $"{i} line\n"));
        RunResult result = AllotCommand.Invoke([.. s_generous, "cat"], new RunOptions { Input = text });
        Assert.Equal(0, result.ExitCode);
        Assert.True(text == result.Output, $"{result.Output.Length} of {text.Length} characters came back");
        Assert.Equal("", result.Error);
    }

    [Fact]
    public void Large_output_on_both_streams_arrives()
    {
        AssertSame("sh", ["-c", "seq 1 300000; seq 1 200000 >&2; exit 9"]);
    }

    [Fact]
    public void A_broken_pipe_ends_the_program_as_outside()
    {
        // Whoever started the tests may ignore the signal, and what was ignored at its start a shell cannot change.
        const string Start = "import os,signal,sys; signal.signal(signal.SIGPIPE, signal.SIG_DFL); os.execv(sys.argv[1],sys.argv[1:])";
        string script = $"'{AllotCommand.HostPath}' run --report none --pins-max 1G -- seq 1 10000000 | head -1; echo ${{PIPESTATUS[0]}}";
        RunResult result = ProcessRunner.Run(Require.Python(), ["-c", Start, Require.Tool("bash"), "-c", script]);
        Assert.Equal(["1", "141"], result.Lines);
    }

    [Theory]
    [InlineData("", "Seccomp:\t0", "NoNewPrivs:\t0")]
    [InlineData("--memory-max 1G", "Seccomp:\t0", "NoNewPrivs:\t0")]
    [InlineData("--kernel-max max --pins-max max --memory-max max", "Seccomp:\t0", "NoNewPrivs:\t0")]
    [InlineData("--pins-max 1G", "Seccomp:\t2", "NoNewPrivs:\t1")]
    [InlineData("--kernel-max 1G", "Seccomp:\t2", "NoNewPrivs:\t1")]
    public void A_limit_that_is_not_given_installs_no_filter(string options, string seccomp, string noNewPrivileges)
    {
        Assert.SkipUnless(File.ReadAllLines("/proc/self/status").Contains("Seccomp:\t0"), "this process has a filter itself");
        AllotResult result = AllotCommand.Run(
            options.Split(' ', StringSplitOptions.RemoveEmptyEntries), ["grep", "-E", "^(Seccomp|NoNewPrivs):", "/proc/self/status"]);
        Assert.Equal([noNewPrivileges, seccomp], result.Run.Lines);
        if (seccomp.EndsWith('0')) Assert.Equal(0, result.Number("notifications.count"));
    }

    private static void AssertSame(
        string file, IReadOnlyList<string> arguments, RunOptions? options = null, Func<string, string>? normalise = null)
    {
        normalise ??= static text => text;
        RunResult outside = ProcessRunner.Run(file, arguments, options);
        RunResult inside = AllotCommand.Invoke([.. s_generous, file, .. arguments], options);
        Assert.Equal(normalise(outside.Output), normalise(inside.Output));
        Assert.Equal(normalise(outside.Error), normalise(inside.Error));
        Assert.True(outside.ExitCode == inside.ExitCode && !inside.TimedOut, $"{outside}\n=== inside\n{inside}");
    }

    [GeneratedRegex("[0-9.]+")]
    private static partial Regex Number();
}
