using Allot.Processes.Tests.Run;
using Allot.Processes.Tests.Support;

namespace Allot.Processes.Tests.Issues;

// Ways by which a group once held more than its limit of pins. Each limit is 1 MiB.
public sealed class PinRaceTests
{
    private const int SkippedExitCode = 77;

    public PinRaceTests() => Require.Root();

    // One of several calls in flight ended, and all of them were forgotten.
    [Fact]
    public void Threads_that_lock_at_the_same_time() => Assert.InRange(Held("hammer"), 1, 1024);

    // Locking what is locked was charged nothing, also when it was unlocked before the call ran.
    [Fact]
    public void A_range_that_is_locked_again_while_it_is_unlocked() => Assert.InRange(Held("relock"), 1, 1024);

    // A mapping that was not locked when its growth was allowed was locked before it grew.
    [Fact]
    public void A_mapping_that_grows_while_it_is_locked() => Assert.Equal(0, Run("grow").Run.NumberAfter("succeeded"));

    // A process without its first thread is a zombie in /proc, and showed no memory.
    [Fact]
    public void A_process_whose_first_thread_has_ended() => Assert.InRange(Held("leader-gone"), 512, 1024);

    // The owner of a ring died before it had been read once.
    [Fact]
    public void Rings_that_outlive_their_owner() => Assert.Equal(2, Run("orphans").Run.NumberAfter("succeeded"));

    // Exec ends an address space, and with it VmPin, but not the ring.
    [Fact]
    public void Rings_that_survive_exec()
    {
        string[] lines = Run("exec-rings").Run.Lines;
        Assert.Equal(["register ok", "register ok", "register ENOMEM", "register ENOMEM"], lines);
    }

    // A buffer of 4 KiB in a large page pins 2 MiB.
    [Fact]
    public void Buffers_in_large_pages() => Assert.InRange(Held("large-pages"), 0, 1024);

    // A child of vfork shows its parent's locks as its own: they were counted twice.
    [Fact]
    public void A_process_with_the_memory_of_another()
    {
        AllotResult result = Run("shared-memory");
        Assert.Equal("ok", result.Run.After("child"));
        Assert.Equal((600 + 4) * 1024, result.Number("pins.peak_bytes"));
    }

    // A thread that ran on counted for a second for what it had locked, although it had unmapped it.
    [Fact]
    public void A_thread_that_runs_on_after_it_has_let_go() => Assert.Equal(4, Run("spin").Run.NumberAfter("succeeded"));

    private static long Held(string what) => Run(what).Run.NumberAfter("held");

    private static AllotResult Run(string what)
    {
        AllotResult result = AllotCommand.Run(["--pins-max", "1M"], [Require.Program("pin-races"), what]);
        Assert.SkipWhen(result.ExitCode == SkippedExitCode, "this kernel has no io_uring");
        GroupAssert.ExitedWith(0, result);
        Assert.InRange(result.Number("pins.peak_bytes")!.Value, 0, 1 << 20);
        GroupAssert.NothingWasLeftBehind(result);
        return result;
    }
}
