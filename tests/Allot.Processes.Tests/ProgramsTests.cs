using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests;

// The test programs by themselves, without Allot: what they print is what the tests of the command rely on.
public sealed class ProgramsTests
{
    public static TheoryData<string> Names => new(Directory.GetFiles(Toolbox.ProgramsDirectory, "*.c")
        .Select(Path.GetFileNameWithoutExtension).Order()!);

    [Theory, MemberData(nameof(Names))]
    public void Every_program_compiles_and_links_statically_too(string name)
    {
        Assert.True(File.Exists(Require.Program(name)));
        Assert.True(File.Exists(Require.Program(name, linkStatically: true)));
    }

    [Fact]
    public void The_mkdir_loop_does_its_rounds_and_the_scratch_directory_removes_them()
    {
        using ScratchDirectory scratch = new();
        string top = scratch.Subdirectory("deep");
        RunResult result = ProcessRunner.Run(Require.Program("mkdir-loop"), [top, "5000"]);
        Assert.Equal("5000 ok", result.After("mkdir"));
        ScratchDirectory.DeleteDeep(top);
        Assert.False(Directory.Exists(top));
    }

    [Fact]
    public void The_mkdir_loop_reports_the_first_refusal_and_further_attempts()
    {
        using ScratchDirectory scratch = new();
        Directory.CreateDirectory(scratch.File("x"));
        RunResult result = ProcessRunner.Run(Require.Program("mkdir-loop"), [scratch.Path, "10", "3"]);
        Assert.Equal("0 EEXIST", result.After("mkdir"));
        Assert.Equal("3 ok 0 refused 3 EEXIST", result.After("extra"));
        Assert.Equal("mkdir: File exists\n", result.Error);
        Assert.Equal(1, result.ExitCode);
    }

    [Fact]
    public void The_python_loop_prints_the_same_lines()
    {
        string python = Require.Python();
        using ScratchDirectory scratch = new();
        RunResult result = ProcessRunner.Run(python, [Toolbox.Source("mkdir_loop.py"), scratch.Path, "20"]);
        Assert.Equal("20 ok", result.After("mkdir"));
        result = ProcessRunner.Run(python, [Toolbox.Source("mkdir_loop.py"), scratch.Path, "20"]);
        Assert.Equal("0 EEXIST", result.After("mkdir"));
    }

    [Theory, InlineData("forks"), InlineData("threads")]
    public void The_bomb_is_bounded_by_its_count(string what)
    {
        string[] arguments = what == "threads" ? ["--total", "50", "--threads"] : ["--total", "50"];
        RunResult result = ProcessRunner.Run(Require.Program("fork-bomb"), [.. arguments, "--hold-ms", "50"]);
        Assert.Equal(50, result.NumberAfter($"{what} ok"));
        Assert.Equal(0, result.NumberAfter($"{what} refused"));
        Assert.InRange(result.NumberAfter("alive max"), 2, 51);
        Assert.Equal("total", result.After("ended"));
    }

    [Fact]
    public void Locks_are_seen_in_the_status()
    {
        Require.Root();
        RunResult result = ProcessRunner.Run(Require.Program("lock"), ["map a 1M", "mlock a 0 512K", "status",
            "fork-and", "status", "end", "exec-self", "status"]);
        Assert.Equal(["map ok", "mlock ok", "status VmLck=512kB VmPin=0kB", "> status VmLck=0kB VmPin=0kB",
            "fork-and ok", "status VmLck=0kB VmPin=0kB"], result.Lines);
    }

    [Fact]
    public async Task A_line_is_waited_for()
    {
        using RunningProgram program = ProcessRunner.Start(Require.Program("lock"), ["say ready wait-stdin say done"]);
        Assert.Equal("ready", await program.WaitForLineAsync("ready"));
        program.WriteInput("\n");
        Assert.Equal(["ready", "wait-stdin ok", "done"], (await program.WaitForEndAsync()).Lines);
    }

    [Fact]
    public void A_time_limit_ends_the_whole_tree()
    {
        RunResult result = ProcessRunner.Run(Require.Program("lock"), ["fork-and hold 50 end"],
            new RunOptions { TimeLimit = TimeSpan.FromMilliseconds(300) });
        Assert.True(result.TimedOut);
        Assert.Equal(137, result.ExitCode);
    }

    [Fact]
    public void Every_call_has_a_result()
    {
        RunResult result = ProcessRunner.Run(Require.Program("calls"), ["all"]);
        RunResult names = ProcessRunner.Run(Require.Program("calls"), ["list"]);
        Assert.Equal(names.Lines, result.Lines.Select(line => line.Split(' ')[0]));
        Assert.Equal("ok", result.After("mkdir"));
        Assert.Equal("ok", result.After("execve"));
    }
}
