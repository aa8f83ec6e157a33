using Allot.Processes.Native;
using Allot.Processes.Supervision;
using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Supervision;

// The rules by which an allowed call is known to be over, with real threads of real processes.
public sealed class InFlightCallsTests
{
    [Fact]
    public void Bytes_are_the_sum_over_the_calls()
    {
        var calls = new InFlightCalls();
        calls.Add(1, 83, 100);
        calls.Add(2, 83, 0);
        calls.Add(3, 83, 50);
        Assert.Equal((150, 3), (calls.Bytes, calls.Count));
        Assert.Equal(100, calls.End(1));
        Assert.Equal(0, calls.End(1));
        Assert.Equal(0, calls.End(2));
        Assert.Equal((50, 1), (calls.Bytes, calls.Count));
        calls.Clear();
        Assert.Equal((0, 0), (calls.Bytes, calls.Count));
    }

    [Fact]
    public void A_thread_that_is_gone_has_ended_its_call()
    {
        Require.Linux();
        using RunningProgram program = ProcessRunner.Start("true", []);
        int pid = program.Id;
        program.WaitForEnd();
        var calls = new InFlightCalls();
        calls.Add(pid, 83, 100);
        Assert.Equal(100, calls.EndFinished());
        Assert.Equal(0, calls.Bytes);
    }

    [Fact]
    public void One_at_a_time_a_call_of_just_now_is_left_as_it_is()
    {
        Require.Linux();
        using RunningProgram program = ProcessRunner.Start("true", []);
        int pid = program.Id;
        program.WaitForEnd();
        var calls = new InFlightCalls();
        Wait.Until(() =>
        {
            calls.Add(pid, 83, 100);
            bool isLeft = calls.EndIfFinished(pid) == 0;   // unless this test was held up for milliseconds
            calls.End(pid);
            return isLeft;
        });
        calls.Add(pid, 83, 100);
        Wait.Until(() => calls.EndIfFinished(pid) == 100);
        Assert.Equal(0, calls.Count);
    }

    [Fact]
    public async Task A_thread_that_sleeps_elsewhere_has_ended_it_and_one_that_sleeps_in_it_has_not()
    {
        Require.Root();
        Assert.True(SyscallTable.Current!.TryGetNumber("mkdirat", out int mkdir));
        using RunningProgram program = ProcessRunner.Start(Require.Program("lock"), ["say ready wait-stdin"]);
        await program.WaitForLineAsync("ready");
        int read = await CallItSleepsIn(program.Id);

        var calls = new InFlightCalls();
        calls.Add(program.Id, read, 100);
        Assert.Equal(0, calls.EndFinished());
        Assert.Equal(100, calls.End(program.Id));
        calls.Add(program.Id, mkdir, 70);
        Assert.Equal(70, calls.EndFinished());
        program.WriteInput("");
    }

    [Fact]
    public async Task A_thread_that_runs_counts_as_inside_at_first()
    {
        Require.Root();
        using RunningProgram program = ProcessRunner.Start(Require.Program("lock"), ["say ready spin 20000"]);
        await program.WaitForLineAsync("ready");
        var calls = new InFlightCalls();
        calls.Add(program.Id, 83, 100);
        Assert.Equal(0, calls.EndFinished());
        Assert.Equal(100, calls.Bytes);
    }

    private static async Task<int> CallItSleepsIn(int pid)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        while (true)
        {
            string call = File.ReadAllText($"/proc/{pid}/syscall").Split(' ')[0];
            if (int.TryParse(call, out int number) && number >= 0) return number;
            await Task.Delay(10, patience.Token);
        }
    }
}
