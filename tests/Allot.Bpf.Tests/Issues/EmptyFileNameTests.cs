using Allot.Bpf.Tests.Support;

namespace Allot.Bpf.Tests.Issues;

/// <summary>A file name that is empty, as of a variable that is not set, ends the command by an exception that nobody
/// catches, with 134.</summary>
public sealed class EmptyFileNameTests
{
    [Theory]
    [InlineData("run")]
    [InlineData("verify")]
    [InlineData("disasm")]
    public async Task It_is_a_file_that_cannot_be_read(string command)
    {
        (int exitCode, _, string error) = await AllotProcess.RunAsync("bpf", command, "");
        Assert.Equal(1, exitCode);
        Assert.DoesNotContain("Unhandled", error, StringComparison.Ordinal);
    }
}
