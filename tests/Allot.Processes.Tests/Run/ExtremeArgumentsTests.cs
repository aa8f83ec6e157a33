using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Run;

// A program in a group may pass any bits as arguments. The supervisor must answer all of them and live.
public sealed class ExtremeArgumentsTests
{
    [Theory]
    [InlineData("--pins-max 64K")]
    [InlineData("--pins-max 1G")]
    [InlineData("--kernel-max 64M --allow-io-uring")]
    [InlineData("--kernel-max 1G --pins-max 1M")]
    public void No_argument_stops_the_supervisor(string options)
    {
        Require.Root();
        string program = Require.Program("extremes");
        RunResult outside = ProcessRunner.Run(program, []);
        Assert.Equal("ok", outside.After("after"));

        AllotResult result = AllotCommand.Run(options.Split(' '), [program]);
        GroupAssert.ExitedWith(0, result);
        Assert.Equal(outside.Output, result.Run.Output);
        Assert.Equal("", result.Run.Error);
        GroupAssert.NothingWasLeftBehind(result);
    }
}
