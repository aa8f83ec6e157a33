namespace Allot.Tests.OutOfMemory;

public sealed class KillTests
{
    private static readonly TimeSpan s_longEnough = TimeSpan.FromSeconds(60);   // only reached by a failure

    [Fact]
    public void A_killed_group_and_all_below_it_refuse_charges_and_say_why()
    {
        var tree = new TreeOfThree();
        tree.Middle.Kill("the customer left");

        Assert.Equal(MemoryGroupState.Killed, tree.Middle.State);
        Assert.Equal(MemoryGroupState.Killed, tree.Leaf.State);
        Assert.Equal("the customer left", tree.Leaf.KillReason);
        Assert.Equal("/a (killed)", tree.Middle.ToString());
        Assert.False(tree.Middle.TryCharge(MemoryKind.User, 7, out ChargeRefusal refusal));
        Assert.Equal(RefusalReason.GroupKilled, refusal.Reason);
        Assert.Null(refusal.Limiter);
        Assert.Equal(
            "Cannot charge 7 bytes to '/a' (memory): the group was killed by Kill: the customer left.",
            refusal.ToString());
        Assert.False(tree.Leaf.TryPin(PinKind.Locked, 1, out refusal));
        Assert.Equal(
            "Cannot charge 1 bytes to '/a/b' (pins): the group was killed with '/a' by Kill: the customer left.",
            refusal.ToString());
        refusal = Assert.Throws<MemoryLimitExceededException>(() => tree.Leaf.Charge(MemoryKind.Kernel, 1)).Refusal;
        Assert.Equal((RefusalReason.GroupKilled, CounterKind.Kernel), (refusal.Reason, refusal.Counter));
        Assert.Equal(0, tree.Leaf.Memory.AvailableBytes);
        Assert.Equal(default, tree.Root.ReadEvents());
    }

    [Fact]
    public void Others_go_on()
    {
        var tree = new TreeOfThree();
        MemoryGroup other = tree.Root.CreateChild("other");
        tree.Leaf.Kill("test");
        tree.Middle.Charge(MemoryKind.User, 1);
        other.Charge(MemoryKind.User, 1);
        tree.Root.Charge(MemoryKind.User, 1);
        Assert.False(tree.Middle.Killed.IsCancellationRequested);
    }

    [Fact]
    public void What_is_held_stays_until_it_is_uncharged()
    {
        var tree = new TreeOfThree();
        tree.Leaf.Charge(MemoryKind.User, 10);
        tree.Leaf.Charge(MemoryKind.Kernel, 5);
        Assert.True(tree.Leaf.TryPin(PinKind.Pinned, 3, out _));
        tree.Middle.Kill("test");

        Assert.Equal([15, 15, 15], tree.Memory);
        Assert.Empty(TreeWalk.FindViolations(tree.Controller));
        tree.Leaf.Uncharge(MemoryKind.User, 10);
        tree.Leaf.Uncharge(MemoryKind.Kernel, 5);
        tree.Leaf.Unpin(PinKind.Pinned, 3);
        Assert.Equal([0, 0, 0], tree.Memory);
        Assert.Equal([0, 0, 0], tree.Pins);
        Assert.Equal(0, tree.Root.ReadEvents().AccountingErrors);
    }

    [Fact]
    public void A_forced_charge_still_charges_because_its_caller_cannot_fail()
    {
        var tree = new TreeOfThree(leaf: new() { MaxBytes = 10 });
        tree.Middle.Kill("test");
        tree.Leaf.ForceCharge(MemoryKind.User, 12);
        tree.Leaf.ForcePin(PinKind.Locked, 1);

        Assert.Equal([12, 12, 12], tree.Memory);
        Assert.Equal(1, tree.Leaf.ReadLocalEvents().MemoryForced);
        tree.Leaf.Uncharge(MemoryKind.User, 12);
        tree.Leaf.Unpin(PinKind.Locked, 1);
        Assert.Equal([0, 0, 0], tree.Memory);
    }

    [Fact]
    public void A_killed_group_can_be_removed_and_its_name_used_again()
    {
        var tree = new TreeOfThree();
        tree.Leaf.Charge(MemoryKind.User, 10);
        tree.Middle.Kill("test");
        Assert.Throws<InvalidOperationException>(tree.Middle.Remove);
        tree.Leaf.Remove();
        tree.Middle.Remove();

        Assert.Equal(MemoryGroupState.Offline, tree.Leaf.State);
        Assert.False(tree.Leaf.TryCharge(MemoryKind.User, 1, out ChargeRefusal refusal));
        Assert.Equal(RefusalReason.GroupKilled, refusal.Reason);
        Assert.Equal(10, tree.Root.Memory.CurrentBytes);
        MemoryGroup again = tree.Root.CreateChild("a");
        again.Charge(MemoryKind.User, 1);
        Assert.Null(again.KillReason);
        Assert.False(again.Killed.IsCancellationRequested);
        tree.Leaf.Uncharge(MemoryKind.User, 10);
        Assert.Equal(1, tree.Root.Memory.CurrentBytes);
    }

    [Fact]
    public void Below_a_killed_group_nothing_is_created()
    {
        var tree = new TreeOfThree();
        tree.Middle.Kill("test");
        string message = Assert.Throws<InvalidOperationException>(() => tree.Leaf.CreateChild("c")).Message;
        Assert.Equal("Cannot create 'c' below '/a/b': that group was killed.", message);
    }

    [Fact]
    public void What_threads_hold_in_advance_is_taken_back_at_once()
    {
        var tree = new TreeOfThree();
        for (int i = 0; i < 100; i++) tree.Leaf.Charge(MemoryKind.User, 64);
        GroupHandle handle = tree.Leaf.Handle();
        Assert.True(handle.TryCharge(64));
        Assert.NotEqual(0, tree.Root.Memory.ReservedBytes);

        tree.Middle.Kill("test");
        Assert.Equal(0, tree.Root.Memory.ReservedBytes);
        Assert.False(tree.Leaf.TryCharge(MemoryKind.User, 1, out _));
        Assert.False(handle.TryCharge(1));
        for (int i = 0; i < 101; i++) tree.Leaf.Uncharge(MemoryKind.User, 64);
        Assert.False(handle.TryCharge(1));
        Assert.Equal(0, tree.Root.Memory.ReservedBytes);
        Assert.Equal([0, 0, 0], tree.Memory);
    }

    [Fact]
    public void The_first_reason_stays()
    {
        var tree = new TreeOfThree();
        tree.Leaf.Kill("first");
        tree.Middle.Kill("second");
        tree.Leaf.Kill("third");
        Assert.Equal(("first", "second"), (tree.Leaf.KillReason, tree.Middle.KillReason));
    }

    [Fact]
    public void Killing_a_removed_group_does_nothing()
    {
        var tree = new TreeOfThree();
        CancellationToken token = tree.Leaf.Killed;
        tree.Leaf.Remove();
        tree.Leaf.Kill("test");
        Assert.False(token.IsCancellationRequested);
        Assert.Null(tree.Leaf.KillReason);
        Assert.False(tree.Leaf.TryCharge(MemoryKind.User, 1, out ChargeRefusal refusal));
        Assert.Equal(RefusalReason.GroupRemoved, refusal.Reason);
    }

    [Fact]
    public void The_root_is_never_killed()
    {
        var controller = new MemoryController();
        Assert.Throws<InvalidOperationException>(() => controller.Root.Kill("test"));
        Assert.Throws<InvalidOperationException>(() => controller.Root.KillsAsOne = true);
        Assert.Throws<ArgumentException>(() => new MemoryController(new() { KillsAsOne = true }));
        controller.Root.Charge(MemoryKind.User, 1);
    }

    [Theory, InlineData(""), InlineData("  "), InlineData(null)]
    public void There_is_a_reason(string? reason)
    {
        var tree = new TreeOfThree();
        Assert.ThrowsAny<ArgumentException>(() => tree.Leaf.Kill(reason!));
        Assert.Equal(MemoryGroupState.Online, tree.Leaf.State);
    }

    [Fact]
    public void Tokens_fire_before_Kill_returns_the_deepest_first()
    {
        var tree = new TreeOfThree();
        MemoryGroup unasked = tree.Middle.CreateChild("c");
        var told = new List<string>();
        tree.Middle.Killed.Register(() => told.Add($"middle: {tree.Middle.KillReason}"));
        tree.Leaf.Killed.Register(() => told.Add($"leaf: {tree.Leaf.KillReason}"));
        tree.Middle.Kill("test");

        Assert.Equal(["leaf: test", "middle: test"], told);
        Assert.True(unasked.Killed.IsCancellationRequested);
        Assert.True(unasked.Killed.CanBeCanceled);
    }

    [Fact]
    public void A_token_that_nobody_asked_for_costs_nothing()
    {
        var tree = new TreeOfThree();
        tree.Leaf.Charge(MemoryKind.User, 1);
        Assert.False(tree.Leaf.KillsAsOne);
        Assert.Equal(0, tree.Leaf.OutOfMemoryPriority);
        Assert.Null(tree.Leaf.KillReason);
        Assert.Null(tree.Leaf.Life);
    }

    [Fact]
    public void A_callback_that_throws_stops_no_other()
    {
        var tree = new TreeOfThree();
        var told = new List<string>();
        tree.Leaf.Killed.Register(() => told.Add("leaf"));
        tree.Leaf.Killed.Register(() => throw new InvalidOperationException("test"));
        tree.Middle.Killed.Register(() => told.Add("middle"));
        tree.Middle.Kill("test");
        Assert.Equal(["leaf", "middle"], told);
    }

    [Fact]
    public void A_callback_may_charge_log_uncharge_and_remove_its_own_group()
    {
        var tree = new TreeOfThree();
        tree.Leaf.Charge(MemoryKind.User, 10);
        var refusals = new List<RefusalReason>();
        tree.Leaf.Killed.Register(() =>
        {
            tree.Leaf.TryCharge(MemoryKind.User, 1, out ChargeRefusal refusal);
            refusals.Add(refusal.Reason);
            tree.Root.Charge(MemoryKind.Kernel, 100);   // what a log costs
            tree.Leaf.Uncharge(MemoryKind.User, 10);
            tree.Leaf.Remove();
        });
        tree.Middle.Killed.Register(tree.Middle.Remove);
        tree.Middle.Kill("test");

        Assert.Equal([RefusalReason.GroupKilled], refusals);
        Assert.Null(tree.Controller.Find("/a"));
        Assert.Equal(100, tree.Root.Memory.CurrentBytes);
    }

    [Fact]
    public void A_callback_may_kill_others_and_its_own_group_again()
    {
        var tree = new TreeOfThree();
        MemoryGroup other = tree.Root.CreateChild("other");
        bool told = false;
        other.Killed.Register(() => told = true);
        tree.Leaf.Killed.Register(() =>
        {
            tree.Middle.Kill("again");
            other.Kill("a friend died");
        });
        tree.Middle.Kill("test");
        Assert.True(told);
        Assert.Equal(("test", "a friend died"), (tree.Middle.KillReason, other.KillReason));
    }

    [Fact]
    public void Callbacks_that_kill_the_next_one_in_a_long_row_do_not_exhaust_the_stack()
    {
        const int Groups = 20_000;
        var controller = new MemoryController();
        MemoryGroup[] groups = [.. Enumerable.Range(0, Groups).Select(i => controller.Root.CreateChild($"g{i}"))];
        using var last = new ManualResetEventSlim();
        for (int i = 0; i < Groups - 1; i++)
        {
            MemoryGroup next = groups[i + 1];
            groups[i].Killed.Register(() => next.Kill("the one before"));
        }

        groups[^1].Killed.Register(last.Set);
        groups[0].Kill("test");
        Assert.True(last.Wait(s_longEnough, TestContext.Current.CancellationToken));
        Assert.All(groups, group => Assert.Equal(MemoryGroupState.Killed, group.State));
    }

    [Fact]
    public async Task Who_waits_for_room_in_a_killed_group_waits_no_longer()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        var tree = new TreeOfThree(root: new() { MaxBytes = 10 });
        MemoryGroup other = tree.Root.CreateChild("other");
        tree.Root.Charge(MemoryKind.User, 10);
        Task first = other.ChargeAsync(MemoryKind.User, 10, cancellation).AsTask();
        Task second = tree.Leaf.ChargeAsync(MemoryKind.User, 1, cancellation).AsTask();
        tree.Middle.Kill("test");

        // Although one that goes on waiting stands before it.
        var thrown = await Assert.ThrowsAsync<MemoryLimitExceededException>(() => second);
        Assert.Equal(RefusalReason.GroupKilled, thrown.Refusal.Reason);
        Assert.False(first.IsCompleted);
        tree.Root.Uncharge(MemoryKind.User, 10);
        await first;
    }

    [Fact]
    public async Task Who_waits_for_room_in_a_removed_group_waits_no_longer()
    {
        CancellationToken cancellation = TestContext.Current.CancellationToken;
        var tree = new TreeOfThree(root: new() { MaxBytes = 10 });
        tree.Root.Charge(MemoryKind.User, 10);
        Task first = tree.Middle.ChargeAsync(MemoryKind.User, 10, cancellation).AsTask();
        Task second = tree.Leaf.ChargeAsync(MemoryKind.User, 1, cancellation).AsTask();
        tree.Leaf.Remove();
        var thrown = await Assert.ThrowsAsync<MemoryLimitExceededException>(() => second);
        Assert.Equal(RefusalReason.GroupRemoved, thrown.Refusal.Reason);
        tree.Root.Uncharge(MemoryKind.User, 10);
        await first;
    }

    [Fact]
    public void A_charge_that_begins_after_Kill_has_returned_never_succeeds()
    {
        for (int round = 0; round < 200; round++)
        {
            var tree = new TreeOfThree();
            bool killed = false;
            long charged = 0;
            using var started = new CountdownEvent(2);
            Thread[] threads = [.. Enumerable.Range(0, 2).Select(_ => new Thread(Charge) { IsBackground = true })];
            foreach (Thread thread in threads) thread.Start();
            started.Wait(TestContext.Current.CancellationToken);
            tree.Middle.Kill("test");
            Volatile.Write(ref killed, true);
            foreach (Thread thread in threads) thread.Join();
            Assert.Equal([charged, charged, charged], tree.Memory);

            void Charge()
            {
                started.Signal();
                while (true)
                {
                    bool beginsAfter = Volatile.Read(ref killed);
                    bool succeeded = tree.Leaf.TryCharge(MemoryKind.User, 1, out _);
                    if (succeeded) Interlocked.Increment(ref charged);
                    if (!beginsAfter) continue;
                    if (succeeded) Interlocked.Add(ref charged, 1_000_000_000);   // found above
                    return;
                }
            }
        }
    }
}
