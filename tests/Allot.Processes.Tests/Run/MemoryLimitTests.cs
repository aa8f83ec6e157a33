using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Run;

public sealed class MemoryLimitTests
{
    private const string Touch64M = """
        import mmap
        m = mmap.mmap(-1, 64 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        for i in range(0, len(m), 4096): m[i] = 1
        print("survived")
        """;

    public MemoryLimitTests() => Require.Root();

    [Fact]
    public void A_program_that_touches_more_is_killed_and_that_is_reported()
    {
        AllotResult result = AllotCommand.Run(["--memory-max", "32M"], [Require.Python(), "-c", Touch64M]);
        GroupAssert.ExitedWith(137, result);
        Assert.Equal("", result.Run.Output);
        Assert.Equal(9, result.Number("signal"));
        Assert.True(result.Number("memory.oom_kills") >= 1, $"{result}");
        Assert.True(result.Number("memory.refused") >= 1, $"{result}");
        Assert.Equal(32 << 20, result.Number("memory.max_bytes"));
        Assert.InRange(result.Number("memory.peak_bytes")!.Value, 24 << 20, 32 << 20);
        Assert.Equal(0, result.Number("notifications.count"));
        GroupAssert.NothingWasLeftBehind(result);
    }

    [Fact]
    public void The_kill_of_a_descendant_is_reported_and_the_command_lives_on()
    {
        RunResult result = AllotCommand.Invoke(
            ["run", "--memory-max", "32M", "--", "sh", "-c", "\"$0\" -c \"$1\"; echo status $?", Require.Python(), Touch64M]);
        Assert.Equal(0, result.ExitCode);
        Assert.Equal("status 137\n", result.Output);
        Assert.Contains("out-of-memory killer", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void With_room_nothing_happens()
    {
        AllotResult result = AllotCommand.Run(["--memory-max", "256M"], [Require.Python(), "-c", Touch64M]);
        GroupAssert.ExitedWith(0, result);
        Assert.Equal("survived\n", result.Run.Output);
        Assert.Equal(0, result.Number("memory.oom_kills"));
        Assert.InRange(result.Number("memory.peak_bytes")!.Value, 64 << 20, 256 << 20);
    }

    [Fact]
    public void The_limit_max_is_none()
    {
        AllotResult result = AllotCommand.Run(["--memory-max", "max"], [Require.Python(), "-c", Touch64M]);
        GroupAssert.ExitedWith(0, result);
        Assert.Null(result.Number("memory.max_bytes"));
    }
}
