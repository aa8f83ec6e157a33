using System.Text;
using Allot.Processes.Observation;

namespace Allot.Processes.Tests.Observation;

public sealed class ProcessStartTests
{
    private const string AfterName = " S 7 5 5 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987654 100 20 18446744073709551615";

    [Theory]
    [InlineData("(cat)")]
    [InlineData("(a b c)")]
    [InlineData("(a) S 99 (b)")]
    [InlineData("(x\n))")]
    [InlineData("()")]
    public void Any_command_name(string name)
    {
        Assert.True(ProcessStart.TryParse(5, Encoding.UTF8.GetBytes("5 " + name + AfterName), out ProcessStart start));
        Assert.Equal(new ProcessStart(5, 7, 987654), start);
    }

    [Theory]
    [InlineData("")]
    [InlineData("5 (cat")]
    [InlineData("5 (cat)")]
    [InlineData("5 (cat) S 7 5 5 0")]
    public void Cut_text_is_refused(string text) =>
        Assert.False(ProcessStart.TryParse(5, Encoding.UTF8.GetBytes(text), out _));

    [Fact]
    public void A_process_renamed_with_parentheses()
    {
        using TestProcess process = TestProcess.Shell("printf 'a) R 1 (' > /proc/$$/comm; echo ready; read line").WaitReady();
        Assert.True(ProcessStart.TryRead(process.Pid, out ProcessStart start));
        Assert.Equal(Environment.ProcessId, start.ParentId);
        Assert.True(start.IsStillThere());
        Assert.False((start with { StartTicks = start.StartTicks - 1 }).IsStillThere());
        process.WriteLine();
        process.WaitForExit();
        Assert.False(start.IsStillThere());
    }
}
