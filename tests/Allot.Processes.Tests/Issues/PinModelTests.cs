using Allot.Processes.Tests.Run;
using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Issues;

// Steps that fit were refused when another process of the group was running: one or two of a hundred.
public sealed class PinModelTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 3)]
    [InlineData(3, 3)]
    public void Every_step_that_fits_succeeds_and_no_other(int seed, int processes)
    {
        Require.Root();
        const int Steps = 2000;
        AllotResult result = AllotCommand.Run(
            ["--pins-max", "1M"], [Require.Program("pin-model"), $"{seed}", $"{Steps}", $"{processes}"]);
        GroupAssert.ExitedWith(0, result);
        Assert.True(result.Run.NumberAfter("wrong") == 0, $"{result}");
        Assert.Contains("refused", result.Run.After("wrong"), StringComparison.Ordinal);
        Assert.True(result.Number("pins.refused") > 0, "The steps meet the limit.");
        Assert.Equal(0, result.Number("pins.current_bytes"));
    }
}
