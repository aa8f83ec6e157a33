using System.Runtime.InteropServices;
using System.Text;
using Allot.Processes.Observation;

namespace Allot.Processes.Tests.Observation;

public sealed class ThreadStatusTests
{
    private static long ReadCall => RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 0 : 63;

    [Fact]
    public void A_process_that_waits_in_read()
    {
        using TestProcess process = TestProcess.Start("cat");
        ThreadStatus status = default;
        Assert.True(SpinWait.SpinUntil(
            () => ThreadStatus.TryRead(process.Pid, out status) && status.IsBlockedIn(ReadCall)
                && status.Argument0 == 0, TimeSpan.FromSeconds(20)),
            $"last: {status}");
        Assert.NotEqual(0UL, status.Argument1);       // a buffer
        Assert.True(status.Argument2 > 0);            // and its length
    }

    [Fact]
    public void A_process_that_computes_is_running()
    {
        using TestProcess process = TestProcess.Shell("i=0; while [ $i -lt 100000000 ]; do i=$((i+1)); done");
        Assert.True(SpinWait.SpinUntil(
            () => ThreadStatus.TryRead(process.Pid, out ThreadStatus status) && status.Activity == ThreadActivity.Running,
            TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public void A_stopped_process_is_not_in_a_call_that_it_did_not_make()
    {
        using TestProcess process = TestProcess.Shell("echo ready; kill -STOP $$; read line").WaitReady();
        Assert.True(SpinWait.SpinUntil(
            () => ProcessStatus.TryRead(process.Pid, out ProcessStatus status) && status.State == 'T', TimeSpan.FromSeconds(20)));
        Assert.True(ThreadStatus.TryRead(process.Pid, out ThreadStatus thread));
        Assert.NotEqual(ThreadActivity.Running, thread.Activity);
        Assert.False(thread.IsBlockedIn(ReadCall));
    }

    [Theory]
    [InlineData("running\n", ThreadActivity.Running)]
    [InlineData("-1 0x7ffe 0x7f00\n", ThreadActivity.BlockedElsewhere)]
    [InlineData("", ThreadActivity.Unknown)]
    public void Parse_states(string text, object expected) =>
        Assert.Equal(expected, ThreadStatus.Parse(Encoding.UTF8.GetBytes(text)).Activity);

    [Fact]
    public void Parse_arguments()
    {
        ThreadStatus status = ThreadStatus.Parse("149 0x7f0000001000 0x2000 0x3 0x4 0x5 0xffffffffffffffff 0x7ffe 0x7f01\n"u8);
        Assert.True(status.IsBlockedIn(149));
        Assert.Equal(0x7f0000001000UL, status.Argument0);
        Assert.Equal(0x2000UL, status.Argument1);
        Assert.Equal(3UL, status.Argument2);
        Assert.Equal(4UL, status.Argument3);
        Assert.Equal(5UL, status.Argument4);
        Assert.Equal(ulong.MaxValue, status.Argument5);
    }
}
