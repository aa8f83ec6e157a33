using System.Globalization;

namespace Allot.Tests.Pins;

/// <summary>The check list of pins inside a process, A01 to A34: those that are rules of the account. Amounts are pages,
/// as in the list. The others are with the sources they are about.</summary>
public sealed class PinConformanceTests
{
    private const long Page = 4096;

    private readonly TreeOfThree _tree = new();   // root, A, A1

    private MemoryGroup A => _tree.Middle;

    private MemoryGroup A1 => _tree.Leaf;

    [Fact]
    public void A01_by_default_there_is_no_limit_and_nothing_is_pinned()
    {
        Assert.Equal("max\n", A1.Files.Read("pins.max"));
        Assert.Equal("0\n", A1.Files.Read("pins.current"));
        Assert.StartsWith("max 0\n", A1.Files.Read("pins.events"), StringComparison.Ordinal);
        Assert.Equal(MemoryGroup.Unlimited, A1.Pins.MaxBytes);
    }

    [Fact]
    public void A02_the_root_has_no_files_of_pins()
    {
        Assert.DoesNotContain(_tree.Root.Files.Names, name => name.StartsWith("pins.", StringComparison.Ordinal));
        Assert.Throws<GroupFileException>(() => _tree.Root.Files.Read("pins.current"));
        _ = Pinned(A1, 5);
        Assert.Equal(5 * Page, _tree.Root.Pins.CurrentBytes);   // it counts, as everything here: its limit is a member
    }

    [Fact]
    public void A03_what_is_charged_counts_on_every_level()
    {
        _ = Pinned(A1, 5);
        AssertPages(A1, 5);
        AssertPages(A, 5);
    }

    [Fact]
    public void A04_a_refusal_by_an_ancestor_is_its_event()
    {
        A.Pins.MaxBytes = 8 * Page;
        PinAccount account = Pinned(A1, 5);
        AssertRefused(account, 4, A);
        AssertPages(A1, 5);
        AssertPages(A, 5);
        Assert.Equal((2, 0), (A.ReadLocalEvents().PinsMax, A1.ReadLocalEvents().PinsMax));
    }

    [Fact]
    public void A05_a_limit_can_be_used_up()
    {
        A.Pins.MaxBytes = 8 * Page;
        _ = Pinned(A1, 8);
        AssertPages(A, 8);
    }

    [Fact]
    public void A06_a_limit_of_0_refuses_all_but_nothing()
    {
        A1.Pins.MaxBytes = 0;
        PinAccount account = Pinned(A1, 0);
        Assert.False(account.TryPin(1, out _));
        AssertRefused(account, 1, A1);
        Assert.True(account.TryPin(0, out _));
    }

    [Fact]
    public void A07_a_limit_below_what_is_held_refuses_the_next_and_takes_nothing_back()
    {
        PinAccount account = Pinned(A1, 8);
        Assert.Equal(0, A1.Files.Write("pins.max", "8192"));
        AssertPages(A1, 8);
        AssertRefused(account, 1, A1);
        account.Unpin(8 * Page);
        AssertPages(A1, 0);
    }

    [Fact]
    public void A08_a_higher_limit_acts_at_once()
    {
        A1.Pins.MaxBytes = 4 * Page;
        PinAccount account = Pinned(A1, 4);
        AssertRefused(account, 4, A1);
        A1.Files.Write("pins.max", "max");
        account.Pin(4 * Page);
        AssertPages(A1, 8);
    }

    [Theory]
    [InlineData("max", long.MaxValue), InlineData("8", 8L), InlineData(" 8\n", 8L)]
    [InlineData("", null), InlineData("x", null), InlineData("-1", null), InlineData("-2", null)]
    [InlineData("9223372036854775808", null)]
    public void A09_the_limit_is_read_strictly(string text, long? bytes)
    {
        A1.Pins.MaxBytes = 77;
        if (bytes is null)
        {
            var error = Assert.Throws<GroupFileException>(() => A1.Files.Write("pins.max", text));
            Assert.Equal(GroupFileError.InvalidText, error.Error);
        }
        else
        {
            A1.Files.Write("pins.max", text);
        }

        Assert.Equal(bytes ?? 77, A1.Pins.MaxBytes);
    }

    [Fact]
    public void A10_where_the_process_may_less_than_the_group_its_limit_holds_and_is_no_event()
    {
        A.Pins.MaxBytes = 32 * Page;
        PinAccount account = Limited(A1, new TestLimit(16));
        Assert.False(account.TryPin(17 * Page, out ChargeRefusal refusal));
        Assert.Equal(RefusalReason.LockLimitReached, refusal.Reason);
        Assert.Null(refusal.Limiter);
        Assert.Contains("RLIMIT_MEMLOCK", refusal.ToString(), StringComparison.Ordinal);
        Assert.Equal(0, A.ReadEvents().PinsMax);
        account.Pin(16 * Page);
    }

    [Fact]
    public void A11_where_the_group_may_less_than_the_process_its_limit_holds()
    {
        A.Pins.MaxBytes = 16 * Page;
        var limit = new TestLimit(32);
        PinAccount account = Limited(A1, limit);
        AssertRefused(account, 17, A);
        Assert.Equal(2, A.ReadEvents().PinsMax);
        Assert.Equal(0, limit.Limit.CurrentBytes);
    }

    [Fact]
    public void A12_who_may_pass_the_limit_of_the_process_passes_it()
    {
        PinAccount account = Limited(A1, new TestLimit(16) { IsBypassed = true });
        account.Pin(100 * Page);
        AssertPages(A1, 100);
    }

    [Fact]
    public void A13_nobody_passes_the_limit_of_a_group()
    {
        A.Pins.MaxBytes = 16 * Page;
        AssertRefused(Limited(A1, new TestLimit(16) { IsBypassed = true }), 17, A);
    }

    [Fact]
    public void A14_what_the_process_may_is_read_when_the_account_is_created()
    {
        var limit = new TestLimit(16) { IsBypassed = true };
        PinAccount account = Limited(A1, limit);
        limit.IsBypassed = false;
        account.Pin(100 * Page);
        A1.Pins.MaxBytes = 100 * Page;
        AssertRefused(account, 1, A1);
        Assert.False(Limited(A1, limit).TryPin(Page, out _));
    }

    [Fact]
    public void A15_a_refusal_changes_nothing()
    {
        A.Pins.MaxBytes = 16 * Page;
        var limit = new TestLimit(20);
        PinAccount account = Limited(A1, limit);
        account.Pin(10 * Page);
        string before = _tree.Snapshot();
        Assert.False(account.TryPin(7 * Page, out _));    // the group
        Assert.False(account.TryPin(11 * Page, out _));   // the process
        Assert.Equal(before, _tree.Snapshot());
        Assert.Equal((10 * Page, 10 * Page), (limit.Limit.CurrentBytes, account.Bytes));
    }

    [Fact]
    public void A18_what_is_pinned_twice_counts_twice()
    {
        using PinAccount first = Pinned(A1, 4), second = Pinned(A1, 4);
        AssertPages(A1, 8);
        first.Dispose();
        AssertPages(A1, 4);
        second.Dispose();
        AssertPages(A1, 0);
    }

    [Fact]
    public void A20_each_group_that_pins_pays()
    {
        MemoryGroup b = _tree.Root.CreateChild("B");
        A.Charge(MemoryKind.User, 4 * Page);   // whose memory it is
        using PinAccount first = Pinned(A1, 4), second = Pinned(b, 4);
        Assert.Equal((4, 4, 8), (Pages(A1), Pages(b), Pages(_tree.Root)));
        Assert.Equal(4 * Page, _tree.Root.Memory.CurrentBytes);
    }

    [Fact]
    public void A21_whoever_unpins_the_group_that_was_charged_gets_it_back()
    {
        MemoryGroup b = _tree.Root.CreateChild("B");
        PinAccount account = Pinned(A1, 4);
        using (b.Enter()) account.Dispose();
        Assert.Equal((0, 0, 0), (Pages(A1), Pages(b), b.Pins.PeakBytes));
    }

    [Fact]
    public void A22_what_is_disposed_twice_gives_back_once()
    {
        using PinAccount other = Pinned(A1, 4);
        PinAccount account = Pinned(A1, 4);
        account.Dispose();
        account.Dispose();
        account.Unpin(4 * Page);
        AssertPages(A1, 4);
        Assert.Equal(0, A1.ReadEvents().AccountingErrors);
        Assert.Throws<ObjectDisposedException>(() => account.Pin(1));
    }

    [Fact]
    public void A23_what_a_removed_group_holds_is_its_heirs_until_it_is_given_back()
    {
        PinAccount account = Pinned(A1, 4);
        A1.Remove();
        MemoryGroup again = A.CreateChild("b");
        Assert.Equal((0, 0, 4), (Pages(A1), Pages(again), Pages(A)));
        Assert.Same(A1, account.Group);
        Assert.False(account.TryPin(Page, out ChargeRefusal refusal));
        Assert.Equal(RefusalReason.GroupRemoved, refusal.Reason);
        account.Dispose();
        Assert.Equal((0, 0), (Pages(again), Pages(A)));
    }

    [Fact]
    public void A25_what_a_worker_has_locked_moves_with_him_limit_or_not()
    {
        MemoryGroup b = _tree.Root.CreateChild("B", new() { PinsMaxBytes = 8 * Page });
        var worker = new PinWorker(A1);
        PinAccount account = Locked(worker, 16);
        worker.MoveTo(b);
        Assert.Equal((0, 0, 16, 16), (Pages(A1), Pages(A), Pages(b), Pages(_tree.Root)));
        Assert.Equal((16 * Page, 16 * Page), (b.ReadStat().LockedBytes, _tree.Root.ReadStat().LockedBytes));
        Assert.Equal((1, 0), (b.ReadLocalEvents().PinsForced, _tree.Root.ReadLocalEvents().PinsForced));
        AssertRefused(account, 1, b);
        account.Dispose();
        Assert.Equal((0, 0), (Pages(b), Pages(_tree.Root)));
    }

    [Fact]
    public void A26_what_a_worker_has_pinned_stays()
    {
        MemoryGroup b = _tree.Root.CreateChild("B");
        var worker = new PinWorker(A1);
        using var account = new PinAccount(worker);
        account.Pin(16 * Page);
        worker.MoveTo(b);
        Assert.Equal((16, 0), (Pages(A1), Pages(b)));
        using var later = new PinAccount(worker);
        Assert.Same(b, later.Group);
    }

    [Fact]
    public void A27_a_worker_of_many_threads_moves_once()
    {
        MemoryGroup b = _tree.Root.CreateChild("B");
        var worker = new PinWorker(A1);
        PinAccount account = Locked(worker, 0);
        Parallel.For(0, 4, _ => account.Pin(4 * Page));
        worker.MoveTo(b);
        Assert.Equal((0, 16), (Pages(A1), Pages(b)));
        account.Dispose();
    }

    [Fact]
    public void A28_of_racing_pins_exactly_as_many_succeed_as_fit()
    {
        const int Threads = 8, PinsEach = 100, Limit = 333;
        A.Pins.MaxBytes = Limit * Page;

        // The gate of an account lets one in at a time: with an account of its own for each, the counters are raced for.
        PinAccount[] accounts = [.. Enumerable.Range(0, Threads).Select(_ => Pinned(A1, 0))];
        int succeeded = 0;
        Parallel.For(0, Threads, thread =>
        {
            for (int i = 0; i < PinsEach; i++)
            {
                if (accounts[thread].TryPin(Page, out ChargeRefusal _)) Interlocked.Increment(ref succeeded);
            }
        });
        Assert.Equal(Limit, succeeded);
        Assert.Equal(Limit * Page, A.Pins.PeakBytes);
        Assert.Equal((Threads * PinsEach) - Limit, A.ReadLocalEvents().PinsMax);
        foreach (PinAccount account in accounts) account.Dispose();
        AssertPages(A1, 0);
    }

    [Fact]
    public void A29_amounts_are_64_bits_wide()
    {
        const long Many = ((1L << 31) + 1) * Page;
        using PinAccount account = Pinned(A1, 0);
        account.Pin(Many);
        Assert.Equal(Many.ToString(CultureInfo.InvariantCulture) + "\n", A1.Files.Read("pins.current"));
        account.Dispose();
        AssertPages(A1, 0);
    }

    private static PinAccount Pinned(MemoryGroup group, long pages)
    {
        var account = new PinAccount(group, new() { LockLimit = null });
        account.Pin(pages * Page);
        return account;
    }

    private static PinAccount Locked(PinWorker worker, long pages)
    {
        var account = new PinAccount(worker, new() { Kind = PinKind.Locked, LockLimit = null });
        account.Pin(pages * Page);
        return account;
    }

    private static PinAccount Limited(MemoryGroup group, TestLimit limit) => new(group, new() { LockLimit = limit.Limit });

    private static void AssertRefused(PinAccount account, long pages, MemoryGroup limiter)
    {
        Assert.False(account.TryPin(pages * Page, out ChargeRefusal refusal));
        Assert.Same(limiter, refusal.Limiter);
        Assert.Equal(CounterKind.Pins, refusal.Counter);
        Assert.Throws<MemoryLimitExceededException>(() => account.Pin(pages * Page));
        Assert.True(limiter.ReadLocalEvents().PinsMax > 1);
    }

    private static long Pages(MemoryGroup group) => group.Pins.CurrentBytes / Page;

    private static void AssertPages(MemoryGroup group, long pages) => Assert.Equal(pages, Pages(group));
}

/// <summary>A limit of the process that a test sets.</summary>
internal sealed class TestLimit
{
    public TestLimit(long pages) => Limit = new MemoryLockLimit(() => pages * 4096, () => IsBypassed);

    public bool IsBypassed { get; set; }

    public MemoryLockLimit Limit { get; }
}
