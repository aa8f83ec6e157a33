namespace Allot.Tests.OutOfMemory;

public sealed class PolicyTests
{
    [Fact]
    public void By_default_nobody_is_killed_and_the_charge_is_refused()
    {
        var controller = new MemoryController(new() { MaxBytes = 10 });
        MemoryGroup a = controller.Root.CreateChild("a");
        a.Charge(MemoryKind.User, 9);
        Assert.Throws<MemoryLimitExceededException>(() => a.Charge(MemoryKind.User, 5));
        Assert.Equal(MemoryGroupState.Online, a.State);
        Assert.Equal(1, controller.Root.ReadLocalEvents().Oom);
        Assert.Equal(0, controller.Root.ReadLocalEvents().OomKill);
        Assert.Empty(controller.OutOfMemoryDecisions);
        Assert.Same(OutOfMemoryPolicy.Refuse, new MemoryControllerOptions().OutOfMemoryPolicy);
    }

    [Fact]
    public void The_largest_goes_and_the_charge_succeeds()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { MaxBytes = 100 });
        MemoryGroup small = tree.Tenant("small", 20), large = tree.Tenant("large", 60);
        small.Charge(MemoryKind.User, 30);

        Assert.Equal(MemoryGroupState.Killed, large.State);
        Assert.Equal((50, 0), (small.Memory.CurrentBytes, large.Memory.CurrentBytes));
        Assert.Equal((1, 1, 0), (tree.Domain.ReadLocalEvents().Oom, tree.Domain.ReadEvents().OomKill,
            tree.Domain.ReadLocalEvents().OomKill));
        Assert.Equal(1, large.ReadLocalEvents().OomKill);
        Assert.Equal(0, tree.Domain.ReadEvents().OomGroupKill);
        Assert.False(large.TryCharge(MemoryKind.User, 1, out ChargeRefusal refusal));
        Assert.Equal(
            "Cannot charge 1 bytes to '/d/large' (memory): the group was killed by the out-of-memory policy of '/d': "
            + "out of memory, and it holds the most by itself, 60 bytes.",
            refusal.ToString());
    }

    [Fact]
    public void Size_is_what_a_group_holds_by_itself()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { MaxBytes = 100 });
        MemoryGroup many = tree.Tenant("many", 0), one = tree.Tenant("one", 30);
        for (int i = 0; i < 3; i++) OomTree.Fill(many.CreateChild($"{i}"), 20);
        tree.Tenant("asks", 0).Charge(MemoryKind.User, 20);
        Assert.Equal((MemoryGroupState.Online, MemoryGroupState.Killed), (many.State, one.State));
    }

    [Fact]
    public void The_one_who_asks_can_be_the_victim()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { MaxBytes = 100 });
        MemoryGroup small = tree.Tenant("small", 20), large = tree.Tenant("large", 60);
        var refusal = Assert.Throws<MemoryLimitExceededException>(() => large.Charge(MemoryKind.User, 30)).Refusal;
        Assert.Equal(RefusalReason.GroupKilled, refusal.Reason);
        Assert.Equal(MemoryGroupState.Online, small.State);
        Assert.Equal(0, large.ReadEvents().AccountingErrors);
    }

    [Fact]
    public void The_highest_priority_goes_first_then_the_largest()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Priority, new() { MaxBytes = 100 });
        MemoryGroup large = tree.Tenant("large", 50);
        MemoryGroup batch = tree.Tenant("batch", 0, new() { OutOfMemoryPriority = 5 });
        MemoryGroup first = batch.CreateChild("first"), second = batch.CreateChild("second");
        OomTree.Fill(first, 10);
        OomTree.Fill(second, 20);
        MemoryGroup idle = tree.Tenant("idle", 0, new() { OutOfMemoryPriority = 9 });   // holds nothing
        tree.Tenant("asks", 0).Charge(MemoryKind.User, 30);

        Assert.Equal(5, second.OutOfMemoryPriority);
        Assert.Equal(MemoryGroupState.Killed, second.State);
        Assert.All([large, batch, first, idle], group => Assert.Equal(MemoryGroupState.Online, group.State));
        Assert.Equal("of those with priority 5 it holds the most by itself, 20 bytes", tree.Last.Reason);
    }

    [Fact]
    public void More_than_one_goes_when_one_is_not_enough()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { MaxBytes = 100 });
        MemoryGroup a = tree.Tenant("a", 25), b = tree.Tenant("b", 24), c = tree.Tenant("c", 23);
        tree.Tenant("asks", 0).Charge(MemoryKind.User, 70);
        Assert.Equal([1, 1, 0], OomTree.OomKills(a, b, c));
        Assert.Equal(2, tree.Domain.ReadLocalEvents().Oom);
        Assert.Equal(["/d/a", "/d/b"], tree.Controller.OutOfMemoryDecisions.Select(decision => decision.KilledPath));
    }

    [Fact]
    public void The_exempt_are_neither_chosen_nor_killed_with_others()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { MaxBytes = 100 });
        MemoryGroup tenant = tree.Tenant("tenant", 10, new() { KillsAsOne = true });
        MemoryGroup exempt = tenant.CreateChild("exempt", new() { OutOfMemoryPriority = OutOfMemoryPolicy.NeverKilled });
        MemoryGroup below = exempt.CreateChild("below");
        exempt.Charge(MemoryKind.User, 40);
        below.Charge(MemoryKind.User, 40);
        tree.Tenant("asks", 0).Charge(MemoryKind.User, 15);

        Assert.Equal(MemoryGroupState.Killed, tenant.State);
        exempt.Charge(MemoryKind.User, 1);
        below.CreateChild("new").Charge(MemoryKind.User, 1);
        Assert.Equal(1, tree.Last.KilledCount);

        tenant.Kill("by hand that does not count");
        Assert.False(below.TryCharge(MemoryKind.User, 1, out _));
        Assert.Equal("by hand that does not count", below.KillReason);
    }

    [Fact]
    public void Nobody_is_killed_when_only_the_exempt_hold_bytes()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { MaxBytes = 100 });
        MemoryGroup exempt = tree.Tenant("e", 100, new() { OutOfMemoryPriority = OutOfMemoryPolicy.NeverKilled });
        var asks = tree.Tenant("asks", 0);
        Assert.Throws<MemoryLimitExceededException>(() => asks.Charge(MemoryKind.User, 1));
        Assert.Equal(MemoryGroupState.Online, exempt.State);
        Assert.Equal(OutOfMemoryOutcome.Refused, tree.Last.Outcome);
        Assert.Equal("no group that may be killed holds any bytes", tree.Last.Reason);
    }

    [Fact]
    public void The_root_is_never_the_victim()
    {
        var controller = new MemoryController(
            new() { MaxBytes = 100 }, new() { OutOfMemoryPolicy = OutOfMemoryPolicy.Largest });
        controller.Root.Charge(MemoryKind.User, 90);
        MemoryGroup a = controller.Root.CreateChild("a");
        OomTree.Fill(a, 10);
        MemoryGroup b = controller.Root.CreateChild("b");
        b.Charge(MemoryKind.User, 5);
        Assert.Equal(MemoryGroupState.Killed, a.State);
        Assert.Throws<MemoryLimitExceededException>(() => controller.Root.Charge(MemoryKind.User, 50));
        controller.Root.Charge(MemoryKind.User, 1);
    }

    [Fact]
    public void At_a_kernel_limit_the_largest_is_who_holds_most_kernel_memory()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { KernelMaxBytes = 100 });
        MemoryGroup user = tree.Tenant("user", 1000), kernel = tree.Tenant("kernel", 0);
        OomTree.Fill(kernel, 90, MemoryKind.Kernel);
        tree.Tenant("asks", 0).Charge(MemoryKind.Kernel, 20);
        Assert.Equal((MemoryGroupState.Online, MemoryGroupState.Killed), (user.State, kernel.State));
        Assert.Equal(CounterKind.Kernel, tree.Last.Counter);
    }

    [Fact]
    public void Only_groups_below_the_limit_can_be_chosen()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { MaxBytes = 100 });
        MemoryGroup outside = tree.Controller.Root.CreateChild("outside");
        OomTree.Fill(outside, 1000);
        MemoryGroup inside = tree.Tenant("inside", 90);
        tree.Tenant("asks", 0).Charge(MemoryKind.User, 20);
        Assert.Equal((MemoryGroupState.Online, MemoryGroupState.Killed), (outside.State, inside.State));
        Assert.Equal(["/d/inside"], tree.Last.Candidates.Where(one => one.Bytes > 0).Select(one => one.Path));
    }

    [Fact]
    public void What_can_never_fit_kills_nobody()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { MaxBytes = 100 });
        MemoryGroup a = tree.Tenant("a", 50);
        Assert.Throws<MemoryLimitExceededException>(() => a.Charge(MemoryKind.User, 101));
        Assert.Equal(MemoryGroupState.Online, a.State);
        Assert.Equal(0, tree.Domain.ReadEvents().Oom);
    }

    [Fact]
    public void Whoever_only_tries_or_waits_has_nobody_killed()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { MaxBytes = 100 });
        MemoryGroup a = tree.Tenant("a", 90);
        Assert.False(a.TryCharge(MemoryKind.User, 20, out _));
        using MemoryCharge held = a.Hold(MemoryKind.User);
        Assert.False(held.TryGrow(20, out _));
        using var source = new CancellationTokenSource();
        ValueTask waits = a.ChargeAsync(MemoryKind.User, 20, source.Token);
        source.Cancel();
        Assert.False(waits.IsCompletedSuccessfully);
        Assert.Equal(0, tree.Domain.ReadEvents().Oom);
        Assert.Equal(MemoryGroupState.Online, a.State);
    }

    [Fact]
    public void What_can_be_reclaimed_is_reclaimed_before_anybody_goes()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { MaxBytes = 100 });
        MemoryGroup a = tree.Tenant("a", 40);
        using var cache = new Reclaim.TestCache(tree.Domain.CreateChild("cache")).Fill(60);
        tree.Tenant("asks", 0).Charge(MemoryKind.User, 50);
        Assert.Equal(MemoryGroupState.Online, a.State);
        Assert.Equal(0, tree.Domain.ReadEvents().Oom);
    }

    [Fact]
    public void A_charge_inside_a_reclaimer_kills_nobody()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { MaxBytes = 100 });
        MemoryGroup a = tree.Tenant("a", 50);
        using var cache = new Reclaim.TestCache(tree.Domain.CreateChild("cache")).Fill(50);
        cache.Instead = (_, target) =>
        {
            a.Charge(MemoryKind.User, 1);   // passes the limit instead
            a.Uncharge(MemoryKind.User, 1);
            return cache.Free(target);
        };
        tree.Domain.Charge(MemoryKind.User, 10);
        Assert.NotEqual(0, tree.Domain.ReadLocalEvents().MemoryForced);
        Assert.Equal(0, tree.Domain.ReadEvents().Oom);
        Assert.Equal(MemoryGroupState.Online, a.State);
    }

    [Fact]
    public void A_limit_lowered_below_use_throws_nothing_and_the_next_charge_asks_the_policy()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { MaxBytes = 100 });
        MemoryGroup a = tree.Tenant("a", 40), b = tree.Tenant("b", 30), c = tree.Tenant("c", 20);
        tree.Domain.Memory.MaxBytes = 30;
        Assert.Equal((90, 0), (tree.Domain.Memory.CurrentBytes, tree.Domain.ReadEvents().Oom));
        Assert.False(c.TryCharge(MemoryKind.User, 1, out _));

        c.Charge(MemoryKind.User, 1);
        Assert.Equal([1, 1, 0], OomTree.OomKills(a, b, c));
        Assert.Equal(21, tree.Domain.Memory.CurrentBytes);
    }

    [Fact]
    public void A_charge_made_by_a_callback_of_a_kill_kills_nobody()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { MaxBytes = 100 });
        MemoryGroup a = tree.Tenant("a", 60), b = tree.Tenant("b", 40);
        Exception? thrown = null;
        a.Killed.Register(() => thrown = Record.Exception(() => b.Charge(MemoryKind.User, 1)));   // before it lets go
        tree.Tenant("asks", 0).Charge(MemoryKind.User, 10);
        Assert.IsType<MemoryLimitExceededException>(thrown);
        Assert.Equal(MemoryGroupState.Online, b.State);
    }
}
