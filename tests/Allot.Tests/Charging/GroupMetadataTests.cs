using Allot.Tests.Reclaim;

namespace Allot.Tests;

/// <summary>Parents that pay for the groups below them.</summary>
public sealed class GroupMetadataTests
{
    private const int OneBytes = 264 + 24;   // an idle group, and a name of one character

    private readonly MemoryController _tree = new(options: new() { ChargesGroupMetadata = true });

    [Fact]
    public void By_default_nobody_pays()
    {
        Assert.False(new MemoryControllerOptions().ChargesGroupMetadata);
        var tree = new TreeOfThree();
        Assert.Equal([0, 0, 0], tree.Memory);
    }

    [Fact]
    public void Creating_a_group_goes_by_the_scopes_of_the_caller()
    {
        MemoryGroup full = _tree.Root.CreateChild("f", new() { MaxBytes = 100_000 });
        var cache = new Scopes.NeedyReclaimer(full, 100_000, ReclaimNeeds.FileSystem);
        using (AllocationScope.NoFs())
        {
            Assert.Throws<MemoryLimitExceededException>(() => { full.CreateChild("x"); });
            using ThreadScope cleanUp = AllocationScope.NoThrowOnLimit();
            full.CreateChild("x").Remove();
        }

        using (AllocationScope.Atomic())
        {
            Assert.Throws<MemoryLimitExceededException>(() => { full.CreateChild("x"); });
        }

        MemoryGroup child;
        using (AllocationScope.NoReclaim()) child = full.CreateChild("x");
        Assert.Equal((0, 100_000 + OneBytes), (cache.Calls, full.Memory.CurrentBytes));
        Assert.Equal(2, full.ReadEvents().MemoryForced);
        using (AllocationScope.BlockAccounting()) child.Remove();   // paid, and given back, all the same
        Assert.Equal(100_000, full.Memory.CurrentBytes);
        full.CreateChild("x");
        Assert.NotEqual(0, cache.Calls);
    }

    [Fact]
    public void The_option_can_be_set_and_cleared()
    {
        var options = new MemoryControllerOptions { ChargesGroupMetadata = true };
        Assert.True(options.ChargesGroupMetadata);
        options.ChargesGroupMetadata = false;
        Assert.False(options.ChargesGroupMetadata);
    }

    [Fact]
    public void The_parent_and_all_above_pay_with_kernel_memory_and_the_group_itself_does_not()
    {
        MemoryGroup a = _tree.Root.CreateChild("a"), b = a.CreateChild("b");
        Assert.Equal((2 * OneBytes, OneBytes, 0), Kernel(_tree.Root, a, b));
        Assert.Equal(2 * OneBytes, _tree.Root.Memory.CurrentBytes);
        Assert.Equal(default, b.ReadStat());
        b.Remove();
        Assert.Equal((OneBytes, 0, 0), Kernel(_tree.Root, a, b));
        a.Remove();
        a.Remove();
        Assert.Equal(default, _tree.Root.ReadStat());
        Assert.Equal(0, _tree.Root.ReadEvents().AccountingErrors);
    }

    [Fact]
    public void What_a_removed_group_still_holds_is_its_parents_and_it_itself_is_nobodys()
    {
        MemoryGroup a = _tree.Root.CreateChild("a");
        MemoryCharge held = a.Hold(MemoryKind.Kernel, 1_000);
        a.Remove();
        Assert.Equal(1_000, _tree.Root.Kernel.CurrentBytes);
        held.Dispose();
        Assert.Equal(0, _tree.Root.Kernel.CurrentBytes);
    }

    [Fact]
    public void What_a_group_pays_for_others_makes_it_no_victim()
    {
        var tree = new MemoryController(options: new()
        {
            ChargesGroupMetadata = true,
            OutOfMemoryPolicy = OutOfMemoryPolicy.Largest,
        });
        MemoryGroup host = tree.Root.CreateChild("host", new() { MaxBytes = 100_000 });
        MemoryGroup tenants = host.CreateChild("tenants"), batch = host.CreateChild("batch");
        MemoryGroup first = tenants.CreateChild("0");
        for (int i = 1; i < 100; i++) tenants.CreateChild($"{i}");
        first.Charge(MemoryKind.User, 1_000);
        batch.Charge(MemoryKind.User, 2_000);
        Assert.InRange(tenants.Kernel.CurrentBytes, 20_000, 40_000);   // more than any group holds itself
        Assert.Equal("/host/batch", tree.PreviewOutOfMemory(host).VictimPath);
        Assert.Equal("/host/batch", tree.PreviewOutOfMemory(tree.Root).VictimPath);
        Assert.Null(tree.PreviewOutOfMemory(host, CounterKind.Kernel).VictimPath);   // nobody holds any
        Assert.Equal("/host/tenants/0", tree.PreviewOutOfMemory(tenants).VictimPath);
    }

    [Fact]
    public void Who_was_killed_is_not_waited_for_because_of_what_it_pays_for_others()
    {
        var tree = new MemoryController(options: new()
        {
            ChargesGroupMetadata = true,
            OutOfMemoryPolicy = OutOfMemoryPolicy.Largest,
            OutOfMemoryGrace = TimeSpan.FromDays(1),
        });
        MemoryGroup host = tree.Root.CreateChild("host", new() { MaxBytes = 100_000 });
        MemoryGroup tenants = host.CreateChild("tenants"), batch = host.CreateChild("batch");
        for (int i = 0; i < 100; i++) tenants.CreateChild($"{i}");
        tenants.Kill("by hand");
        batch.Charge(MemoryKind.User, 50_000);
        batch.Killed.Register(() => batch.Uncharge(MemoryKind.User, 50_000));
        MemoryGroup asks = host.CreateChild("asks");
        asks.Charge(MemoryKind.User, 50_000);   // returns: the next one was chosen, and the day has not gone by
        Assert.Equal(MemoryGroupState.Killed, batch.State);
    }

    [Fact]
    public void A_group_for_which_there_is_no_room_is_not_created()
    {
        MemoryGroup tenant = _tree.Root.CreateChild("tenant", new() { KernelMaxBytes = (2 * OneBytes) + 100 });
        tenant.CreateChild("a");
        MemoryGroup b = tenant.CreateChild("b");
        MemoryStat before = _tree.Root.ReadStat();
        MemoryLimitExceededException refused =
            Assert.Throws<MemoryLimitExceededException>(() => tenant.CreateChild("c"));
        Assert.Equal(
            $"Cannot create 'c' below '/tenant', which is charged {OneBytes} bytes for it. "
                + $"Cannot charge {OneBytes} bytes to '/tenant' (kernel memory): '/tenant' holds {2 * OneBytes} of its "
                + $"{(2 * OneBytes) + 100} bytes. Largest holders: itself {2 * OneBytes}. "
                + "Raise Kernel.MaxBytes on '/tenant', or release what it holds.",
            refused.Message);
        Assert.Same(tenant, refused.Refusal.Limiter);
        Assert.Equal(before, _tree.Root.ReadStat());
        Assert.Equal(2, tenant.Children.Count);
        Assert.Equal(1, tenant.ReadEvents().KernelMax);
        Assert.Equal(0, tenant.ReadEvents().Oom);

        b.Remove();
        tenant.CreateChild("c");
    }

    [Fact]
    public void What_cannot_be_created_anyway_is_an_error_of_its_own_and_charges_nobody()
    {
        MemoryGroup tenant = _tree.Root.CreateChild("tenant", new() { KernelMaxBytes = OneBytes });
        tenant.CreateChild("a");
        MemoryStat before = _tree.Root.ReadStat();
        Assert.Throws<InvalidOperationException>(() => tenant.CreateChild("a"));   // although there is no room either
        Assert.Throws<ArgumentException>(() => tenant.CreateChild("/"));
        tenant.Kill("test");
        Assert.Throws<InvalidOperationException>(() => tenant.CreateChild("b"));
        Assert.Equal(before, _tree.Root.ReadStat());
        Assert.Equal(0, _tree.Root.ReadEvents().KernelMax);
    }

    [Fact]
    public void Room_is_made_by_reclaimers_of_kernel_memory()
    {
        MemoryGroup tenant = _tree.Root.CreateChild("tenant", new() { MaxBytes = 10_000 });
        var options = new ReclaimerOptions { Kind = MemoryKind.Kernel };
        using TestCache cache = new TestCache(tenant, 100, options, MemoryKind.Kernel).Fill(10_000);
        tenant.CreateChild("a");
        Assert.InRange(cache.HeldBytes, 1, 10_000 - OneBytes);
        Assert.Equal(cache.HeldBytes + OneBytes, tenant.Kernel.CurrentBytes);
    }

    [Fact]
    public void A_reclaimer_that_removes_groups_gives_back_what_they_weigh()
    {
        MemoryGroup tenant = _tree.Root.CreateChild("tenant", new() { KernelMaxBytes = 10 * OneBytes });
        for (int i = 0; i < 10; i++) tenant.CreateChild($"{i}");
        var options = new ReclaimerOptions { Kind = MemoryKind.Kernel, BatchBytes = 1 };
        using IDisposable registration = tenant.Register(new Sweeper(tenant), options);
        Assert.Equal(2 * OneBytes, tenant.Reclaim(OneBytes + 1));
        Assert.Equal(8, tenant.Children.Count);
        for (int i = 0; i < 20; i++) tenant.CreateChild($"n{i % 10}{i / 10}");
        Assert.InRange(tenant.Children.Count, 1, 10);
        Assert.Equal(0, tenant.ReadEvents().ReclaimErrors);
        Assert.Equal(tenant.Children.Sum(child => GroupFootprint.BytesOf(child.Name, new())), tenant.Kernel.CurrentBytes);
    }

    [Fact]
    public void A_parent_whose_kernel_memory_is_not_counted_pays_nothing()
    {
        var tree = new MemoryController(options: new()
        {
            ChargesGroupMetadata = true,
            KernelAccounting = KernelAccountingMode.OnFirstLimit,
        });
        MemoryGroup free = tree.Root.CreateChild("f");
        MemoryGroup counted = tree.Root.CreateChild("c", new() { KernelMaxBytes = 1 << 20 });
        free.CreateChild("x").Remove();
        counted.CreateChild("x");
        Assert.Equal((OneBytes, 0, OneBytes), Kernel(tree.Root, free, counted));
        free.Kernel.MaxBytes = 1 << 20;   // still empty: it starts to count
        MemoryGroup y = free.CreateChild("y");
        Assert.Equal(OneBytes, free.Kernel.CurrentBytes);
        y.Remove();
        Assert.Single(counted.Children).Remove();
        Assert.Equal(default, tree.Root.ReadStat());
        Assert.False(free.KernelAccounting.HadUncounted);
    }

    [Fact]
    public void Removed_and_created_at_once_by_many_threads_nothing_is_left()
    {
        MemoryGroup tenant = _tree.Root.CreateChild("t", new() { KernelMaxBytes = 3 * OneBytes });
        Thread[] threads = [.. Enumerable.Range(0, 4).Select(i => new Thread(() =>
        {
            for (int round = 0; round < 2_000; round++)
            {
                try
                {
                    tenant.CreateChild($"{(i + round) % 5}").Remove();
                }
                catch (Exception e) when (e is InvalidOperationException or MemoryLimitExceededException)
                {
                    // Another one has the name, or all the room.
                }
            }
        }))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        Assert.Empty(tenant.Children);
        Assert.Equal(0, tenant.Kernel.CurrentBytes);
        Assert.Equal(0, tenant.ReadEvents().AccountingErrors);
        Assert.Empty(TreeWalk.FindViolations(_tree));
    }

    private static (long, long, long) Kernel(MemoryGroup a, MemoryGroup b, MemoryGroup c) =>
        (a.Kernel.CurrentBytes, b.Kernel.CurrentBytes, c.Kernel.CurrentBytes);

    private sealed class Sweeper(MemoryGroup parent) : IReclaimer
    {
        public ReclaimNeeds Needs => ReclaimNeeds.None;

        public long CountBytes(MemoryGroup group) => parent.Kernel.CurrentBytes;

        public long Reclaim(MemoryGroup group, long targetBytes)
        {
            long freed = 0;
            foreach (MemoryGroup child in parent.Children)
            {
                if (freed >= targetBytes) break;
                freed += GroupFootprint.BytesOf(child.Name, new());
                child.Remove();
            }

            return freed;
        }
    }
}
