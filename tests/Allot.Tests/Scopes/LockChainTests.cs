namespace Allot.Tests.Scopes;

/// <summary>Row B31 beyond one lock and one thread: the order of several locks and of reclaim.</summary>
[Collection(ChecksSwitch.Name)]
public sealed class LockChainTests
{
    private readonly MemoryController _controller = new();

    [Fact]
    public void B31_it_does_not_matter_on_which_threads_it_happens()
    {
        using var checks = new ChecksOn();
        var gate = new ScopedLock(AllocationRestrictions.None, "gate");
        FreshThread.Run(() => ReclaimTaking(gate));
        Assert.Empty(checks.Reports);
        FreshThread.Run(() => ChargeHolding(gate));
        AssertReported(Assert.Single(checks.Reports), "'gate'");
    }

    [Theory, MemberData(nameof(Orders))]
    public void B31_a_lock_between_reclaim_and_the_request_is_found_in_whatever_order_it_happens(int[] order)
    {
        using var checks = new ChecksOn();
        var taken = new ScopedLock(AllocationRestrictions.None, $"taken {string.Concat(order)}");
        var held = new ScopedLock(AllocationRestrictions.None, "held");
        Action[] facts = [() => ReclaimTaking(taken), () => TakeInside(taken, held), () => ChargeHolding(held)];
        foreach (int fact in order)
        {
            Assert.Empty(checks.Reports);
            FreshThread.Run(facts[fact]);
        }

        AllocationReport report = Assert.Single(checks.Reports);
        AssertReported(report, $"'taken {string.Concat(order)}'");
        Assert.Contains("'held' is waited for here, inside of 'taken ", report.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(TakeInside), report.Message, StringComparison.Ordinal);
        foreach (int fact in order) FreshThread.Run(facts[fact]);
        Assert.Single(checks.Reports);
    }

    public static TheoryData<int[]> Orders =>
    [
        new[] { 0, 1, 2 }, new[] { 0, 2, 1 }, new[] { 1, 0, 2 }, new[] { 1, 2, 0 }, new[] { 2, 0, 1 }, new[] { 2, 1, 0 },
    ];

    [Theory, MemberData(nameof(Orders))]
    public void B31_a_chain_through_one_more_lock_is_found_and_a_longer_one_is_not(int[] order)
    {
        using var checks = new ChecksOn();
        ScopedLock[] locks = [.. Enumerable.Range(0, 4).Select(i =>
            new ScopedLock(AllocationRestrictions.None, $"l{i} {string.Concat(order)}"))];
        Action[] edges = [.. Enumerable.Range(0, 3).Select<int, Action>(i => () => TakeInside(locks[i], locks[i + 1]))];
        ReclaimTaking(locks[0]);
        foreach (int edge in order) edges[edge]();
        ChargeHolding(locks[3]);
        Assert.Empty(checks.Reports);
        ChargeHolding(locks[2]);
        AllocationReport report = Assert.Single(checks.Reports);
        AssertReported(report, "'l0 ");
        Assert.Contains("inside of 'l0 ", report.Message, StringComparison.Ordinal);
        Assert.Contains("inside of 'l1 ", report.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void B31_who_only_tries_and_who_is_taken_again_are_no_part_of_a_chain()
    {
        using var checks = new ChecksOn();
        var taken = new ScopedLock(AllocationRestrictions.None, "taken");
        var held = new ScopedLock(AllocationRestrictions.None, "held");
        ReclaimTaking(taken);
        ChargeHolding(held);
        using (taken.Enter())
        {
            Assert.True(held.TryEnter(out ScopedLock.Holder tried));
            tried.Dispose();
        }

        using (held.Enter())
        using (taken.Enter())
        using (held.Enter())   // has it already, and waits for nobody
        {
        }

        Assert.Empty(checks.Reports);
    }

    [Fact]
    public void B31_a_chain_to_a_lock_whose_scope_keeps_that_reclaimer_away_is_not_reported()
    {
        using var checks = new ChecksOn();
        var taken = new ScopedLock(AllocationRestrictions.None, "taken");
        var held = new ScopedLock(AllocationRestrictions.NoFs, "held");
        ReclaimTaking(taken, ReclaimNeeds.FileSystem);
        TakeInside(taken, held);
        ChargeHolding(held);
        Assert.Empty(checks.Reports);
        ReclaimTaking(taken, ReclaimNeeds.None);
        Assert.Single(checks.Reports);
    }

    [Fact]
    public void B31_a_reader_in_a_chain_counts_as_a_writer_does()
    {
        using var checks = new ChecksOn();
        using var pages = new ScopedReaderWriterLock(AllocationRestrictions.None, "pages");
        var taken = new ScopedLock(AllocationRestrictions.None, "taken");
        ReclaimTaking(taken);
        using (taken.Enter()) pages.EnterRead().Dispose();
        using (pages.EnterRead()) Group().Charge(MemoryKind.User, 1);
        AssertReported(Assert.Single(checks.Reports), "'pages'");
    }

    [Fact]
    public void B31_a_charge_asks_the_reclaimers_of_its_own_tree_only()
    {
        using var checks = new ChecksOn();
        var gate = new ScopedLock(AllocationRestrictions.None, "of two trees");
        MemoryGroup unrelated = new MemoryController().Root.CreateChild("o");
        ReclaimTaking(gate);
        using (gate.Enter())
        {
            unrelated.Charge(MemoryKind.User, 10);
            unrelated.Charge(MemoryKind.User, 10, AllocationFlags.NoFs);
            unrelated.Reclaim(10);
            using (unrelated.Enter()) AmbientCharging.Charge(MemoryKind.User, 10, AllocationFlags.KernelAccount);
        }

        Assert.Empty(checks.Reports);
        using (gate.Enter()) AllocationContext.MightAllocate(AllocationFlags.Kernel);   // in whatever tree
        Assert.Single(checks.Reports);
    }

    [Fact]
    public void B31_locks_of_different_names_that_are_used_at_the_same_places_are_reported_each()
    {
        using var checks = new ChecksOn();
        for (int i = 0; i < 4; i++)
        {
            var gate = new ScopedLock(AllocationRestrictions.None, $"page {i % 3}");
            ReclaimTaking(gate);
            ChargeHolding(gate);
        }

        Assert.Equal(3, checks.Reports.Count);
    }

    // What would hang is reported before it does: here it throws instead, because the thread has the lock already.
    [Fact]
    public void B31_a_reclaimer_that_is_about_to_wait_is_reported_before_it_waits()
    {
        using var checks = new ChecksOn();
        using var pages = new ScopedReaderWriterLock(AllocationRestrictions.None, "pages");
        MemoryGroup group = Group();
        int reportsWhenThrown = -1;
        _ = new NeedyReclaimer(group, 1000)
        {
            WhenCalled = () =>
            {
                Assert.NotNull(Record.Exception(() => pages.EnterWrite().Dispose()));
                reportsWhenThrown = checks.Reports.Count;
            },
        };
        using (pages.EnterWrite()) group.Charge(MemoryKind.User, 1);
        Assert.Equal(1, reportsWhenThrown);
    }

    [Fact]
    public void B31_thousands_of_locks_inside_of_one_are_bounded_and_kept_alive_by_nothing()
    {
        using var checks = new ChecksOn();
        var all = new ScopedLock(AllocationRestrictions.None, "all");
        WeakReference first = TakeMany(all);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.False(first.IsAlive);

        // Those that are gone have made room for this one.
        var held = new ScopedLock(AllocationRestrictions.None, "held");
        TakeInside(all, held);
        ChargeHolding(held);
        ReclaimTaking(all);
        Assert.Single(checks.Reports);

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static WeakReference TakeMany(ScopedLock outer)
        {
            ScopedLock[] locks = [.. Enumerable.Range(0, 1000).Select(_ => new ScopedLock(AllocationRestrictions.None))];
            foreach (ScopedLock inner in locks) TakeInside(outer, inner);
            return new WeakReference(locks[0]);
        }
    }

    private MemoryGroup Group() => _controller.Root.CreateChild(Guid.NewGuid().ToString("N"), new() { MaxBytes = 1000 });

    private void ReclaimTaking(ScopedLock gate) => ReclaimTaking(gate, ReclaimNeeds.None);

    private void ReclaimTaking(ScopedLock gate, ReclaimNeeds needs)
    {
        MemoryGroup group = Group();
        var cache = new NeedyReclaimer(group, 1000, needs) { WhenCalled = () => gate.Enter().Dispose() };
        group.Charge(MemoryKind.User, 10);
        Assert.NotEqual(0, cache.Calls);
    }

    private static void TakeInside(ScopedLock outer, ScopedLock inner)
    {
        using ScopedLock.Holder first = outer.Enter();
        using ScopedLock.Holder second = inner.Enter();
    }

    private void ChargeHolding(ScopedLock gate)
    {
        using ScopedLock.Holder held = gate.Enter();
        Group().Charge(MemoryKind.User, 1);
    }

    private static void AssertReported(AllocationReport report, string name)
    {
        Assert.Equal(AllocationReportKind.LockInReclaim, report.Kind);
        Assert.Contains(name, report.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(NeedyReclaimer), report.FirstStack, StringComparison.Ordinal);
        Assert.Contains(nameof(LockChainTests), report.SecondStack, StringComparison.Ordinal);
    }
}
