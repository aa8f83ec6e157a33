using System.Globalization;
using Allot.Processes.Supervision;
using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Supervision;

// The account of pins, with real processes and calls that are made up: what they announce never happens.
public sealed class PinLimitTests : IDisposable
{
    private const long KiB = 1024;

    private readonly MemoryGroup _group = new MemoryController().Root.CreateChild(
        "pins", new MemoryGroupOptions { PinsMaxBytes = 256 * KiB });
    private readonly FixedMembers _members = new();
    private readonly PinLimit _limit;
    private int _slowWork;

    public PinLimitTests() => _limit = new PinLimit(_group, _members, () => _slowWork++);

    private long Charged => _group.Pins.CurrentBytes;

    [Fact]
    public async Task A_call_is_charged_when_it_fits_and_only_then()
    {
        using SleepingProgram one = await StartAsync(), other = await StartAsync();
        Assert.True(Allows(one, 128 * KiB));
        Assert.Equal(128 * KiB, Charged);
        Assert.False(Allows(other, 132 * KiB));
        Assert.Equal(128 * KiB, Charged);
        Assert.True(Allows(other, 128 * KiB));
        Assert.Equal(256 * KiB, Charged);
        Assert.Equal(256 * KiB, _limit.PeakBytes);
    }

    [Fact]
    public async Task Before_a_refusal_everything_is_read_again_and_the_other_thread_may_receive()
    {
        using SleepingProgram one = await StartAsync("mlock a 0 200K", "munlock a 0 200K"), other = await StartAsync();
        await one.GoOnAsync();
        _limit.Refresh();
        Assert.Equal(200 * KiB, Charged);
        await one.GoOnAsync();
        Assert.Equal(200 * KiB, Charged);   // nobody has looked

        _slowWork = 0;
        Assert.True(Allows(other, 200 * KiB));
        Assert.Equal(200 * KiB, Charged);
        Assert.True(_slowWork > 0, "Reading everything is slow work.");
    }

    [Fact]
    public async Task The_charge_follows_what_the_kernel_shows_up_and_down()
    {
        using SleepingProgram one = await StartAsync("mlock a 0 64K", "mlock a 64K 300K", "munlock a 0 64K", "munlockall");
        foreach (long bytes in new[] { 64 * KiB, 364 * KiB, 300 * KiB, 0 })
        {
            await one.GoOnAsync();
            _limit.Refresh();
            Assert.Equal(bytes, Charged);
            if (bytes > 256 * KiB) Assert.False(Allows(one, 4 * KiB), "What is held already passes the limit.");
        }

        Assert.Equal(364 * KiB, _limit.PeakBytes);
    }

    [Fact]
    public async Task The_next_call_of_a_thread_ends_the_one_before()
    {
        using SleepingProgram one = await StartAsync();
        Assert.True(Allows(one, 200 * KiB));
        Assert.True(Allows(one, 100 * KiB));
        Assert.Equal(100 * KiB, Charged);
        Assert.False(Allows(one, 300 * KiB));
        Assert.Equal(0, Charged);
    }

    [Fact]
    public async Task A_call_that_did_not_happen_is_uncharged_once()
    {
        using SleepingProgram one = await StartAsync("mlock a 0 64K"), other = await StartAsync();
        await one.GoOnAsync();
        Assert.True(Allows(one, 64 * KiB));
        Assert.Equal(128 * KiB, Charged);
        _limit.Cancel(other.Pid);
        Assert.Equal(128 * KiB, Charged);
        _limit.Cancel(one.Pid);
        Assert.Equal(64 * KiB, Charged);
        _limit.Cancel(one.Pid);
        Assert.Equal(64 * KiB, Charged);
        Assert.Equal(0, _group.ReadEvents().AccountingErrors);
    }

    [Fact]
    public async Task The_end_of_a_process_gives_back_what_it_held_and_what_it_was_about_to()
    {
        using SleepingProgram one = await StartAsync("mlock a 0 64K");
        await one.GoOnAsync();
        Assert.True(Allows(one, 64 * KiB));
        one.End();
        _limit.RefreshKnown();
        Assert.Equal(0, Charged);
    }

    [Fact]
    public async Task The_end_of_the_group_gives_everything_back()
    {
        using SleepingProgram one = await StartAsync("mlock a 0 64K");
        await one.GoOnAsync();
        Assert.True(Allows(one, 64 * KiB));
        _limit.Dispose();
        Assert.Equal(0, Charged);
        Assert.Equal(0, _group.ReadEvents().AccountingErrors);
    }

    // No file shows such an area, so nothing but the end of its process brings it back.
    [Fact]
    public async Task An_area_that_was_never_registered_is_uncharged_when_the_call_did_not_happen()
    {
        using SleepingProgram one = await StartAsync();
        Assert.True(_limit.TryAllow(PinAction.RegisterXdpArea, one.XdpCall(structureBytes: 23)));
        Assert.Equal(0, Charged);   // the kernel will refuse it
        Assert.True(_limit.TryAllow(PinAction.RegisterXdpArea, one.XdpCall(structureBytes: 32)));
        long area = Environment.SystemPageSize;
        Assert.Equal(area, Charged);
        _limit.Cancel(one.Pid);
        Assert.Equal(0, Charged);
        _limit.Cancel(one.Pid);
        Assert.Equal(0, Charged);

        Assert.True(_limit.TryAllow(PinAction.RegisterXdpArea, one.XdpCall(structureBytes: 32)));
        Assert.True(Allows(one, 4 * KiB));
        _limit.Cancel(one.Pid);
        Assert.Equal(area, Charged);   // that was another call
        one.End();
        _limit.Refresh();
        Assert.Equal(0, Charged);
    }

    // Calls that are decided between the parts of samples, in every order that the seed gives.
    [Theory]
    [InlineData(1), InlineData(2), InlineData(3)]
    public async Task A_sample_that_overlaps_calls_loses_and_doubles_no_charge(int seed)
    {
        using SleepingProgram first = await StartAsync("mlock a 0 8K"), second = await StartAsync("mlock a 0 12K");
        using SleepingProgram third = await StartAsync();
        SleepingProgram[] all = [first, second, third];
        await first.GoOnAsync();
        await second.GoOnAsync();
        long[] held = [8 * KiB, 12 * KiB, 0];
        long[] inFlight = [0, 0, 0];
        _limit.Refresh();

        var random = new Random(seed);
        for (int sample = 0; sample < 100; sample++)
        {
            foreach (int _ in _limit.RefreshInParts(discover: sample % 2 == 0))
            {
                Assert.Equal(held.Sum() + inFlight.Sum(), Charged);
                int who = random.Next(all.Length);
                long bytes = 4 * KiB * random.Next(20);
                switch (random.Next(3))
                {
                    case 0 when Allows(all[who], bytes):
                        inFlight[who] = bytes;
                        break;
                    case 0:
                        Assert.Fail("Everything fits.");
                        break;
                    case 1:
                        _limit.Cancel(all[who].Pid);
                        inFlight[who] = 0;
                        break;
                    default:
                        break;
                }

                Assert.Equal(held.Sum() + inFlight.Sum(), Charged);
            }

            Assert.Equal(held.Sum() + inFlight.Sum(), Charged);
        }

        third.End();
        foreach (int _ in _limit.RefreshInParts(discover: true)) Assert.InRange(Charged, held.Sum(), 256 * KiB);
        Assert.Equal(held.Sum() + inFlight[0] + inFlight[1], Charged);
        Assert.Equal(0, _group.ReadEvents().AccountingErrors);
    }

    public void Dispose() => _limit.Dispose();

    // A sample that came between the answer and the lock took the charge back, and the segment was locked for nothing.
    [Fact]
    public async Task A_segment_is_charged_from_the_answer_on_whatever_is_read_before_it_is_locked()
    {
        using SleepingProgram one = await StartAsync();
        RunResult made = ProcessRunner.Run("ipcmk", ["--shmem", "65536"]);
        int segment = int.Parse(made.Lines[^1].Split(' ')[^1], CultureInfo.InvariantCulture);
        try
        {
            Assert.True(_limit.TryAllow(PinAction.LockSegment, one.LockSegmentCall(segment)));
            _limit.Refresh();
            Assert.Equal(64 * KiB, Charged);
            _limit.Cancel(one.Pid);   // it never happened
            _limit.Refresh();
            Assert.Equal(0, Charged);
        }
        finally
        {
            ProcessRunner.Run("ipcrm", ["--shmem-id", $"{segment}"]);
        }
    }

    private async Task<SleepingProgram> StartAsync(params string[] steps)
    {
        SleepingProgram program = await SleepingProgram.StartAsync(steps);
        _members.Pids.Add(program.Pid);
        return program;
    }

    private bool Allows(SleepingProgram program, long bytes) => _limit.TryAllow(PinAction.Lock, program.LockCall(bytes));
}
