using Allot.Processes.Native;
using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Run;

// Runs alone: the bombs use every processor, and the neighbour is watched while they do.
[CollectionDefinition("Fork bombs", DisableParallelization = true)]
public sealed class ForkBombs;

[Collection("Fork bombs")]
public sealed class ForkBombTests
{
    private const long MaxBytes = 16 << 20;

    // The least that a process (60 to 80 KiB) and a thread (20 KiB) were seen to cost: no more of them can fit.
    private const long ProcessBytesAtLeast = 40 << 10;
    private const long ThreadBytesAtLeast = 16 << 10;

    public ForkBombTests() => Require.Root();

    [Theory]
    [InlineData("forks", "")]
    [InlineData("forks", "--spin")]
    [InlineData("threads", "--threads")]
    public void The_bomb_is_refused_bounded_and_ends(string what, string option)
    {
        string[] options = option.Length == 0 ? [] : [option];
        AllotResult result = AllotCommand.Run(
            ["--kernel-max", "16M"],
            [Require.Program("fork-bomb"), "--total", "1500", "--seconds", "8", .. options]);

        GroupAssert.ExitedWith(0, result);
        long least = what == "forks" ? ProcessBytesAtLeast : ThreadBytesAtLeast;
        Assert.InRange(result.Run.NumberAfter("alive max"), 2, MaxBytes / least);
        long refused = result.Run.NumberAfter($"{what} refused");
        Assert.True(refused > 0, $"{result}");
        Assert.Equal(refused, result.Run.NumberAfter("refused EAGAIN"));
        Assert.Equal(refused, result.Number("kernel.refused"));
        Assert.All(result.Refusals(), static row => Assert.EndsWith(" EAGAIN", row, StringComparison.Ordinal));
        GroupAssert.KernelStayedBelowTheBound(result);
        GroupAssert.NothingWasLeftBehind(result);
    }

    [Fact]
    public async Task The_neighbours_forks_all_succeed()
    {
        string neighbour = Require.Program("neighbour");
        using AllotRun bomb = AllotCommand.Start(
            ["--kernel-max", "16M"],
            [Require.Program("fork-bomb"), "--total", "100000000", "--seconds", "25", "--nap-us", "200", "--spin"],
            new RunOptions { TimeLimit = TimeSpan.FromSeconds(50) });
        bomb.Program.WriteInput("");

        using RunningProgram outside = ProcessRunner.Start(neighbour, ["200", "20", "1000"]);
        using AllotRun inside = AllotCommand.Start(["--kernel-max", "64M"], [neighbour, "200", "20", "1000"]);
        RunResult alone = await outside.WaitForEndAsync();
        AllotResult grouped = await inside.WaitForEndAsync();
        Assert.Equal(0, LibC.Kill(bomb.Program.Id, SignalNumber.SIGTERM));
        AllotResult ended = await bomb.WaitForEndAsync();

        Assert.Equal("0 ok", alone.After("forks failed"));
        Assert.Equal("200", alone.After("forks ok"));
        Assert.Equal("0 ok", grouped.Run.After("forks failed"));
        Assert.Equal("200", grouped.Run.After("forks ok"));
        Assert.Equal(0, grouped.Number("kernel.refused"));
        Assert.True(ended.Number("kernel.refused") > 0, $"The bomb was at its limit meanwhile: {ended}");
        GroupAssert.KernelStayedBelowTheBound(ended);
        GroupAssert.NothingWasLeftBehind(ended);
    }

    [Fact]
    public void What_outlives_the_command_is_ended_and_the_cgroup_removed()
    {
        // The command is killed; its children, half of which ignore SIGTERM, would live on.
        AllotResult result = AllotCommand.Run(
            ["--kernel-max", "16M"],
            ["sh", "-c", "for i in 1 2 3 4 5 6 7 8; do (trap '' TERM; sleep 60) & sleep 60 & done; kill -KILL $$"]);
        GroupAssert.ExitedWith(137, result);
        Assert.Equal(9, result.Number("signal"));
        Assert.InRange(result.Number("leftover_processes")!.Value, 16, 24);
        GroupAssert.NothingWasLeftBehind(result);
    }

    // Should the limit fail, the number of processes of that user bounds it.
    [Fact]
    public async Task The_bomb_of_a_shell_is_refused_and_ends_with_its_command()
    {
        const string Bomb = "exec 2>&1; :(){ :|:& };:; read line";
        string bash = Require.Tool("bash");
        Require.Tool("setpriv");
        using AllotRun run = AllotCommand.Start(
            ["--kernel-max", "16M"],
            [bash, "-c", "ulimit -u 2000; exec setpriv --reuid=61234 --clear-groups \"$0\" -c \"$1\"", bash, Bomb]);
        using (var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30)))
        {
            while (!run.Program.Output.Contains("Resource temporarily unavailable", StringComparison.Ordinal))
            {
                await Task.Delay(20, patience.Token);
            }
        }

        run.Program.WriteInput("\n");   // the command ends, and with it the group
        AllotResult result = await run.WaitForEndAsync();
        Assert.False(result.Run.TimedOut, $"{result}");
        Assert.Contains("clone EAGAIN", result.Refusals());
        GroupAssert.KernelStayedBelowTheBound(result);
        GroupAssert.NothingWasLeftBehind(result);
    }
}
