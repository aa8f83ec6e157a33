using System.Diagnostics;
using Allot.Processes.Supervision;
using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Supervision;

// The account of kernel memory, with readings that the test says.
public sealed class KernelLimitTests : IDisposable
{
    private const int NoThread = int.MaxValue;   // no such thread: its calls are over when somebody asks
    private const int AnyCall = 83;

    private readonly MemoryGroup _group = new MemoryController().Root.CreateChild(
        "kernel", new MemoryGroupOptions { KernelMaxBytes = 1000 });
    private readonly FakeMemoryCgroup _cgroup = new() { KernelBytes = 400 };
    private readonly KernelLimit _limit;

    public KernelLimitTests()
    {
        _limit = new KernelLimit(_group, _cgroup, static () => { });
        _limit.Refresh();
    }

    private long Charged => _group.Kernel.CurrentBytes;

    [Fact]
    public void Estimates_add_up_on_the_reading_until_the_next_one()
    {
        Assert.Equal(400, Charged);
        Assert.True(_limit.TryAllow(NoThread, AnyCall, 100));
        Assert.True(_limit.TryAllow(NoThread, AnyCall, 200));   // ends the one before
        Assert.Equal(700, Charged);
        Assert.Equal(1, _limit.Readings);
        _cgroup.KernelBytes = 450;
        _limit.Refresh();
        Assert.Equal(450, Charged);
    }

    [Fact]
    public async Task A_reading_keeps_the_estimates_of_calls_that_are_not_over()
    {
        using SleepingProgram program = await SleepingProgram.StartAsync();
        Assert.True(_limit.TryAllow(program.Pid, program.CallNumber, 100));
        Assert.True(_limit.TryAllow(NoThread, AnyCall, 30));
        _cgroup.KernelBytes = 420;
        _limit.Refresh();
        Assert.Equal(520, Charged);
        _limit.Cancel(program.Pid);
        Assert.Equal(420, Charged);
    }

    [Fact]
    public void Only_what_does_not_fit_is_worth_a_reading()
    {
        Assert.True(_limit.TryAllow(NoThread, AnyCall, 600));
        Assert.Equal((1, 0), (_limit.Readings, _cgroup.Reclaims));
        Assert.True(_limit.TryAllow(NoThread, AnyCall, 1));   // the reading shows less than was estimated
        Assert.Equal((2, 0), (_limit.Readings, _cgroup.Reclaims));
        Assert.Equal(401, Charged);
    }

    [Fact]
    public void What_still_does_not_fit_is_reclaimed_for_once_and_then_refused()
    {
        _cgroup.ReclaimableBytes = 100;
        Assert.True(_limit.TryAllow(NoThread, AnyCall, 700));
        Assert.Equal((1000, 1), (Charged, _cgroup.Reclaims));

        _limit.Cancel(NoThread);
        Assert.False(_limit.TryAllow(NoThread, AnyCall, 701));
        Assert.Equal((300, 2), (Charged, _cgroup.Reclaims));
        Assert.False(_limit.TryAllow(NoThread, AnyCall, 701));
        Assert.Equal(2, _cgroup.Reclaims);   // in vain a moment ago
    }

    [Fact]
    public void A_call_that_did_not_happen_is_uncharged_once()
    {
        Assert.True(_limit.TryAllow(NoThread, AnyCall, 100));
        _limit.Cancel(NoThread);
        Assert.Equal(400, Charged);
        _limit.Cancel(NoThread);
        Assert.Equal(400, Charged);
        Assert.Equal(0, _group.ReadEvents().AccountingErrors);
    }

    [Fact]
    public void An_estimate_beyond_all_limits_is_refused_and_overflows_nothing()
    {
        Assert.False(_limit.TryAllow(NoThread, AnyCall, long.MaxValue));
        Assert.Equal(400, Charged);
    }

    [Fact]
    public void Without_its_cgroup_every_call_is_refused()
    {
        _cgroup.IsRemoved = true;
        _limit.Refresh();
        Assert.True(_limit.IsLost);
        Assert.False(_limit.TryAllow(NoThread, AnyCall, 0));
        Assert.Empty(_limit.RefreshInParts());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_cgroup_that_is_removed_before_or_while_it_is_reclaimed_refuses_the_call(bool byReclaim)
    {
        _cgroup.IsRemovedByReclaim = byReclaim;
        _cgroup.IsRemoved = !byReclaim;
        Assert.False(_limit.TryAllow(NoThread, AnyCall, 601));
        Assert.True(_limit.IsLost);
    }

    [Fact]
    public void The_end_of_the_group_gives_everything_back()
    {
        Assert.True(_limit.TryAllow(NoThread, AnyCall, 100));
        _limit.Release();
        Assert.Equal(0, Charged);
        Assert.Equal(0, _group.ReadEvents().AccountingErrors);
    }

    // What the calls that are over may have added is charged until the reading shows it.
    [Fact]
    public async Task A_sample_that_overlaps_calls_loses_and_doubles_no_charge()
    {
        using SleepingProgram program = await SleepingProgram.StartAsync();
        Assert.True(_limit.TryAllow(program.Pid, program.CallNumber, 50));
        for (int i = 0; i < 5; i++) Assert.True(_limit.TryAllow(NoThread - i, AnyCall, 10));
        Assert.Equal(500, Charged);
        long allowed = Stopwatch.GetTimestamp();
        Wait.Until(() => Stopwatch.GetElapsedTime(allowed) > TimeSpan.FromMilliseconds(20));   // a sample leaves younger calls

        _cgroup.KernelBytes = 430;
        int part = 0;
        foreach (int _ in _limit.RefreshInParts())
        {
            Assert.Equal(500 + (part * 5), Charged);
            Assert.True(_limit.TryAllow(NoThread - 10, AnyCall, 5));   // not asked after in this sample
            part++;
        }

        Assert.Equal(6, part);
        Assert.Equal(430 + 50 + 5, Charged);   // the reading, and the two calls that are not known to be over
    }

    public void Dispose() => _cgroup.Dispose();
}
