namespace Allot.Tests;

/// <summary>The life of a group in a tree that counts kernel memory from the first limit on.</summary>
public sealed class KernelAccountingTests
{
    private readonly MemoryController _tree =
        new(options: new() { KernelAccounting = KernelAccountingMode.OnFirstLimit });

    private MemoryGroup Root => _tree.Root;

    [Fact]
    public void Always_is_the_default_and_counts_from_the_start()
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("a");
        Assert.True(group.CountsKernelMemory);
        group.Charge(MemoryKind.Kernel, 10);
        group.Kernel.MaxBytes = 100;   // neither members nor children matter
        Assert.Equal(10, group.Kernel.CurrentBytes);
    }

    [Fact]
    public void What_is_not_counted_has_to_be_an_amount_all_the_same()
    {
        MemoryGroup group = Root.CreateChild("a");
        for (int i = 0; i < 2; i++)
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => group.Charge(MemoryKind.Kernel, -1));
            Assert.Throws<ArgumentOutOfRangeException>(() => group.Uncharge(MemoryKind.Kernel, -1));
            Assert.Throws<ArgumentOutOfRangeException>(
                () => group.TryCharge(MemoryKind.Kernel, MemoryGroup.MaxChargeBytes + 1, out _));
            group.Charge(MemoryKind.Kernel, MemoryGroup.MaxChargeBytes);
        }
    }

    [Fact]
    public void The_first_limit_starts_it()
    {
        MemoryGroup group = Root.CreateChild("a");
        group.Kernel.MaxBytes = 100;
        Assert.True(group.CountsKernelMemory);
        group.Charge(MemoryKind.Kernel, 60);
        AssertCounted(group, memory: 60, kernel: 60);
        Assert.False(group.TryCharge(MemoryKind.Kernel, 41, out ChargeRefusal refusal));
        Assert.Equal(CounterKind.Kernel, refusal.Counter);
    }

    [Fact]
    public void A_first_limit_of_zero_starts_it_too()
    {
        MemoryGroup group = Root.CreateChild("a");
        group.Kernel.MaxBytes = 0;
        Assert.False(group.TryCharge(MemoryKind.Kernel, 1, out _));
    }

    [Fact]
    public void A_limit_at_creation_is_the_first()
    {
        MemoryGroup group = Root.CreateChild("a", new() { KernelMaxBytes = 100 });
        Assert.True(group.CountsKernelMemory);
        Assert.False(Root.CountsKernelMemory);
    }

    [Fact]
    public void Unlimited_is_accepted_at_any_time_and_starts_nothing()
    {
        MemoryGroup group = Root.CreateChild("a");
        group.CreateChild("b");
        group.Charge(MemoryKind.User, 1);
        group.Kernel.MaxBytes = MemoryGroup.Unlimited;
        Assert.False(group.CountsKernelMemory);
    }

    [Fact]
    public void With_children_it_is_refused()
    {
        MemoryGroup group = Root.CreateChild("a"), child = group.CreateChild("b");
        AssertRefused(group, "1 children");
        child.Remove();
        group.Kernel.MaxBytes = 100;
    }

    [Fact]
    public void With_user_memory_it_is_refused()
    {
        MemoryGroup group = Root.CreateChild("a");
        group.Charge(MemoryKind.User, 7);
        AssertRefused(group, "7 bytes of memory");
        group.Uncharge(MemoryKind.User, 7);
        group.Kernel.MaxBytes = 100;
    }

    [Fact]
    public void What_a_thread_holds_in_advance_is_no_member()
    {
        MemoryGroup group = Root.CreateChild("a");
        for (int i = 0; i < 100; i++) group.Charge(MemoryKind.User, 64);
        group.Uncharge(MemoryKind.User, 6400);
        Assert.NotEqual(0, group.Memory.ReservedBytes);
        group.Kernel.MaxBytes = 100;
    }

    [Fact]
    public void With_pins_it_is_refused()
    {
        MemoryGroup group = Root.CreateChild("a");
        group.ForcePin(PinKind.Locked, 3);
        AssertRefused(group, "3 bytes of pins");
        group.Unpin(PinKind.Locked, 3);
        group.Kernel.MaxBytes = 100;
    }

    [Theory, InlineData(MemoryKind.User, 0), InlineData(MemoryKind.Kernel, 0), InlineData(MemoryKind.Kernel, 9)]
    public void With_a_handle_it_is_refused_also_with_an_empty_one(MemoryKind kind, long bytes)
    {
        MemoryGroup group = Root.CreateChild("a");
        MemoryCharge handle = group.Hold(kind, bytes);
        AssertRefused(group, "1 handles");
        handle.Dispose();
        handle.Dispose();
        group.Kernel.MaxBytes = 100;
    }

    [Fact]
    public void A_handle_that_was_refused_is_no_member()
    {
        MemoryGroup group = Root.CreateChild("a", new() { MaxBytes = 10 });
        Assert.Throws<MemoryLimitExceededException>(() => group.Hold(MemoryKind.User, 11));
        MemoryGroup other = Root.CreateChild("b");
        using MemoryCharge handle = other.Hold(MemoryKind.User, 11);
        Assert.Throws<MemoryLimitExceededException>(() => handle.TransferTo(group));
        group.Kernel.MaxBytes = 100;
        AssertRefused(other, "1 handles");
    }

    [Fact]
    public void A_handle_moves_between_counted_and_not_counted()
    {
        MemoryGroup counted = Root.CreateChild("a", new() { KernelMaxBytes = 100 }), other = Root.CreateChild("b");
        using MemoryCharge handle = other.Hold(MemoryKind.Kernel, 60);
        AssertCounted(other, memory: 0, kernel: 0);
        handle.TransferTo(counted);
        AssertCounted(counted, memory: 60, kernel: 60);
        other.Kernel.MaxBytes = 50;
        Assert.Throws<MemoryLimitExceededException>(() => handle.TransferTo(other));
        MemoryGroup third = Root.CreateChild("c");
        handle.TransferTo(third);
        AssertCounted(counted, memory: 0, kernel: 0);
        AssertRefused(third, "1 handles");
        handle.Resize(5000);
        handle.Dispose();
        Assert.Equal(0, Root.Memory.CurrentBytes);
        Assert.Equal(0, Root.ReadEvents().AccountingErrors);
    }

    [Fact]
    public void Later_limits_can_be_anything_at_any_time()
    {
        MemoryGroup group = Root.CreateChild("a", new() { KernelMaxBytes = 100 });
        group.CreateChild("b");
        group.Charge(MemoryKind.Kernel, 60);
        group.Kernel.MaxBytes = 10;
        Assert.False(group.TryCharge(MemoryKind.Kernel, 1, out _));
        group.Kernel.MaxBytes = 1000;
        Assert.True(group.TryCharge(MemoryKind.Kernel, 1, out _));
    }

    [Fact]
    public void It_stays_on_when_the_limit_is_lifted()
    {
        MemoryGroup group = Root.CreateChild("a", new() { MaxBytes = 100, KernelMaxBytes = 50 });
        group.Kernel.MaxBytes = MemoryGroup.Unlimited;
        Assert.True(group.CountsKernelMemory);
        group.Charge(MemoryKind.Kernel, 100);
        AssertCounted(group, memory: 100, kernel: 100);
        Assert.True(group.CreateChild("b").CountsKernelMemory);
    }

    [Fact]
    public void Groups_created_below_inherit_it_whatever_their_limit()
    {
        MemoryGroup group = Root.CreateChild("a", new() { KernelMaxBytes = 100 });
        MemoryGroup below = group.CreateChild("b").CreateChild("c");
        Assert.True(below.CountsKernelMemory);
        below.Charge(MemoryKind.Kernel, 100);
        Assert.False(below.TryCharge(MemoryKind.Kernel, 1, out ChargeRefusal refusal));
        Assert.Equal(group, refusal.Limiter);
        Assert.False(Root.CreateChild("sibling").CountsKernelMemory);
    }

    [Fact]
    public void Groups_above_see_what_is_counted_below_and_count_nothing_of_their_own()
    {
        MemoryGroup middle = Root.CreateChild("a");
        MemoryGroup counted = middle.CreateChild("b", new() { KernelMaxBytes = 100 });
        counted.Charge(MemoryKind.Kernel, 30);
        middle.Charge(MemoryKind.Kernel, 1000);
        AssertCounted(middle, memory: 30, kernel: 30);
        middle.Uncharge(MemoryKind.Kernel, 1000);   // not from what the group below has charged
        AssertCounted(middle, memory: 30, kernel: 30);
        AssertCounted(Root, memory: 30, kernel: 30);
        Assert.Empty(TreeWalk.FindViolations(_tree));
    }

    [Fact]
    public void Removal_ends_it_and_what_was_counted_is_the_parents()
    {
        MemoryGroup counted = Root.CreateChild("a", new() { KernelMaxBytes = 100 });
        counted.Charge(MemoryKind.Kernel, 30);
        counted.Remove();
        AssertCounted(Root, memory: 30, kernel: 30);
        Assert.False(Root.CreateChild("a").CountsKernelMemory);
        counted.Uncharge(MemoryKind.Kernel, 30);
        AssertCounted(Root, memory: 0, kernel: 0);
        Assert.Equal(0, Root.ReadEvents().AccountingErrors);
    }

    [Fact]
    public void A_removed_group_that_does_not_count_refuses_and_takes_back()
    {
        MemoryGroup group = Root.CreateChild("a");
        MemoryCharge handle = group.Hold(MemoryKind.Kernel, 10);
        group.Charge(MemoryKind.Kernel, 10);
        group.Remove();
        Assert.False(group.TryCharge(MemoryKind.Kernel, 1, out ChargeRefusal refusal));
        Assert.Equal(RefusalReason.GroupRemoved, refusal.Reason);
        Assert.False(handle.TryGrow(1, out _));
        group.Kernel.MaxBytes = 5;   // acts no more, starts nothing
        Assert.False(group.CountsKernelMemory);
        handle.Dispose();
        group.Uncharge(MemoryKind.Kernel, 10);
        group.ForceCharge(MemoryKind.Kernel, 10);
        AssertCounted(Root, memory: 0, kernel: 0);
        Assert.Equal(0, Root.ReadEvents().AccountingErrors);
    }

    [Fact]
    public void An_uncharge_of_what_was_charged_before_is_no_error()
    {
        MemoryGroup group = Root.CreateChild("a");
        group.Charge(MemoryKind.Kernel, 500);
        group.Kernel.MaxBytes = 1000;
        group.Charge(MemoryKind.Kernel, 20);
        group.Uncharge(MemoryKind.Kernel, 500);   // takes what is there, which is the price of no handle
        AssertCounted(group, memory: 0, kernel: 0);
        Assert.Equal(0, group.ReadEvents().AccountingErrors);
        group.Uncharge(MemoryKind.User, 1);
        Assert.Equal(1, group.ReadEvents().AccountingErrors);
    }

    [Fact]
    public void Where_nothing_was_charged_before_an_excess_is_an_error_as_ever()
    {
        MemoryGroup group = Root.CreateChild("a");
        group.Kernel.MaxBytes = 1000;
        group.Uncharge(MemoryKind.Kernel, 5);
        Assert.Equal(1, group.ReadEvents().AccountingErrors);
    }

    [Fact]
    public void A_handle_of_a_thread_that_is_older_than_the_limit_counts()
    {
        MemoryGroup group = Root.CreateChild("a");
        GroupHandle handle = group.Handle(MemoryKind.Kernel);
        group.Kernel.MaxBytes = 100;
        Assert.True(handle.TryCharge(100));
        Assert.False(handle.TryCharge(1));
        handle.Uncharge(40);
        AssertCounted(group, memory: 60, kernel: 60);
    }

    [Fact]
    public void The_root_is_a_group_like_any_other()
    {
        Assert.False(Root.CountsKernelMemory);
        Root.Charge(MemoryKind.Kernel, 10);
        AssertCounted(Root, memory: 0, kernel: 0);
        Root.Kernel.MaxBytes = 100;
        Assert.True(Root.CreateChild("a").CountsKernelMemory);

        var limited = new MemoryController(
            new() { KernelMaxBytes = 10 }, new() { KernelAccounting = KernelAccountingMode.OnFirstLimit });
        Assert.False(limited.Root.CreateChild("a").TryCharge(MemoryKind.Kernel, 11, out _));
    }

    [Fact]
    public void The_root_with_children_cannot_start()
    {
        Root.CreateChild("a");
        AssertRefused(Root, "1 children");
    }

    [Fact]
    public void An_unknown_mode_is_refused() => Assert.Throws<ArgumentOutOfRangeException>(
        () => new MemoryController(options: new() { KernelAccounting = (KernelAccountingMode)2 }));

    [Fact]
    public void Reclaimers_of_kernel_memory_that_is_not_counted_are_not_asked()
    {
        MemoryGroup group = Root.CreateChild("a", new() { MaxBytes = 100 });
        using var cache = new Reclaim.TestCache(group, 10, new() { Kind = MemoryKind.Kernel }, MemoryKind.Kernel);
        cache.Fill(50);
        group.Charge(MemoryKind.User, 100);
        Assert.Throws<MemoryLimitExceededException>(() => group.Charge(MemoryKind.User, 1));
        Assert.Empty(cache.Asked);
        Assert.Equal(0, group.ReadEvents().ReclaimErrors);
    }

    [Fact]
    public void A_handle_and_the_first_limit_race_and_one_of_them_wins()
    {
        const int Rounds = 2_000;
        var groups = new MemoryGroup[Rounds];
        for (int i = 0; i < Rounds; i++) groups[i] = Root.CreateChild($"g{i}");
        int handleWasFaster = 0;
        Parallel.Invoke(HoldEach, LimitEach);
        Assert.Equal(Rounds - handleWasFaster, groups.Count(group => group.CountsKernelMemory));
        Assert.Equal(0, Root.Memory.CurrentBytes);
        Assert.Equal(0, Root.ReadEvents().AccountingErrors);

        void HoldEach()
        {
            foreach (MemoryGroup group in groups)
            {
                using MemoryCharge handle = group.Hold(MemoryKind.Kernel, 10);
                bool isCounted = group.CountsKernelMemory;
                Assert.Equal(isCounted ? 10 : 0, group.Memory.CurrentBytes);
                Assert.Equal(isCounted, group.CountsKernelMemory);
            }
        }

        void LimitEach()
        {
            foreach (MemoryGroup group in groups)
            {
                try
                {
                    group.Kernel.MaxBytes = 100;
                }
                catch (InvalidOperationException)
                {
                    handleWasFaster++;
                }
            }
        }
    }

    private static void AssertCounted(MemoryGroup group, long memory, long kernel) =>
        Assert.Equal((memory, kernel), (group.Memory.CurrentBytes, group.Kernel.CurrentBytes));

    private static void AssertRefused(MemoryGroup group, string because)
    {
        var refused = Assert.Throws<InvalidOperationException>(() => group.Kernel.MaxBytes = 100);
        Assert.Contains($"'{group.Path}'", refused.Message, StringComparison.Ordinal);
        Assert.Contains(because, refused.Message, StringComparison.Ordinal);
        Assert.False(group.CountsKernelMemory);
        Assert.Equal(MemoryGroup.Unlimited, group.Kernel.MaxBytes);
    }
}
