namespace Allot.Tests.OutOfMemory;

/// <summary>Previews, records, observers and policies that are wrong.</summary>
public sealed class DecisionTests
{
    [Fact]
    public void A_preview_says_who_and_why_and_does_nothing()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Priority, new() { MaxBytes = 100 });
        MemoryGroup a = tree.Tenant("a", 60), b = tree.Tenant("b", 20, new() { OutOfMemoryPriority = 1 });
        OutOfMemoryDecision preview = tree.Controller.PreviewOutOfMemory(tree.Domain);

        Assert.True(preview.IsPreview);
        Assert.Equal((OutOfMemoryOutcome.Killed, "/d/b", "/d/b", 0),
            (preview.Outcome, preview.VictimPath, preview.KilledPath, preview.KilledCount));
        Assert.Equal("of those with priority 1 it holds the most by itself, 20 bytes", preview.Reason);
        Assert.Equal(("/d", "/d", 0L, 80L, 100L), (preview.LimiterPath, preview.RequesterPath,
            preview.RequestedBytes, preview.CurrentBytes, preview.MaxBytes));
        Assert.Equal(3, preview.CandidateCount);
        Assert.Equal(
            [new("/d/b", 20, 20, 1, 20), new("/d", 0, 80, 0, 0), new("/d/a", 60, 60, 0, 0)],
            preview.Candidates.OrderByDescending(one => one.Score).ThenBy(one => one.Path, StringComparer.Ordinal));
        Assert.Equal((MemoryGroupState.Online, MemoryGroupState.Online), (a.State, b.State));
        Assert.Equal(default, tree.Controller.Root.ReadEvents());
        Assert.Empty(tree.Controller.OutOfMemoryDecisions);
    }

    [Fact]
    public void A_preview_follows_groups_that_are_killed_as_one()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest);
        MemoryGroup tenant = tree.Tenant("t", 0, new() { KillsAsOne = true });
        OomTree.Fill(tenant.CreateChild("q"), 10);
        OutOfMemoryDecision preview = tree.Controller.PreviewOutOfMemory(tree.Controller.Root);
        Assert.Equal(("/d/t/q", "/d/t"), (preview.VictimPath, preview.KilledPath));
        Assert.Equal("/d/t/q", tree.Controller.PreviewOutOfMemory(tenant.Children[0]).KilledPath);   // above the domain
    }

    [Fact]
    public void A_preview_of_a_tree_that_kills_nobody_says_so()
    {
        var controller = new MemoryController();
        OutOfMemoryDecision preview = controller.PreviewOutOfMemory(controller.Root);
        Assert.Equal((OutOfMemoryOutcome.Refused, "the policy kills nobody"), (preview.Outcome, preview.Reason));
    }

    [Fact]
    public void A_preview_wants_a_group_of_its_tree_and_a_counter_of_memory()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest);
        Assert.Throws<ArgumentException>(() => tree.Controller.PreviewOutOfMemory(new MemoryController().Root));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => tree.Controller.PreviewOutOfMemory(tree.Domain, CounterKind.Pins));
        Assert.Throws<ArgumentNullException>(() => tree.Controller.PreviewOutOfMemory(null!));
        Assert.Throws<ArgumentNullException>(() => new MemoryControllerOptions { OutOfMemoryPolicy = null! });
        Assert.Throws<ArgumentOutOfRangeException>(
            () => new MemoryController(options: new() { OutOfMemoryGrace = TimeSpan.FromTicks(-1) }));
    }

    [Fact]
    public void A_decision_is_recorded_and_observed_with_all_that_led_to_it()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { MaxBytes = 100 });
        tree.Tenant("a", 60);
        MemoryGroup b = tree.Tenant("b", 40);
        var observed = new List<OutOfMemoryDecision>();
        using IDisposable observation = tree.Controller.ObserveOutOfMemory(observed.Add);
        DateTimeOffset before = TimeProvider.System.GetUtcNow();
        b.Charge(MemoryKind.User, 30);

        OutOfMemoryDecision decision = Assert.Single(tree.Controller.OutOfMemoryDecisions);
        Assert.Same(decision, Assert.Single(observed));
        Assert.InRange(decision.Time, before, TimeProvider.System.GetUtcNow());
        Assert.False(decision.IsPreview);
        Assert.Equal(("/d", "/d/b", 30L, 100L, 100L), (decision.LimiterPath, decision.RequesterPath,
            decision.RequestedBytes, decision.CurrentBytes, decision.MaxBytes));
        Assert.Equal((OutOfMemoryOutcome.Killed, "/d/a", "/d/a", 1),
            (decision.Outcome, decision.VictimPath, decision.KilledPath, decision.KilledCount));
        Assert.Null(decision.Fault);
        Assert.Equal(
            "Out of memory at '/d' (Memory: 100 of 100 bytes), charging 30 bytes to '/d/b': kill '/d/a', because it "
            + "holds the most by itself, 60 bytes. Of 3 candidates, by score: '/d/a' 60, '/d/b' 40, '/d' 0.",
            decision.ToString());

        observation.Dispose();
        tree.Tenant("asks", 0).Charge(MemoryKind.User, 70);
        Assert.Equal(2, tree.Controller.OutOfMemoryDecisions.Count);
        Assert.Single(observed);
    }

    [Fact]
    public void The_last_decisions_are_kept_with_the_highest_scores_and_the_victim()
    {
        var tree = new OomTree(new Custom(context => OutOfMemoryChoice.Kill(
            context.Candidates.MinBy(one => one.Bytes == 0 ? long.MaxValue : one.Bytes)!.Group, "the smallest")),
            new() { MaxBytes = 1000 });
        for (int i = 0; i < 30; i++) tree.Tenant($"{i}", 30 + i);
        MemoryGroup asks = tree.Tenant("asks", 0);
        while (tree.Domain.ReadEvents().OomKill < 20) asks.TryMakeCharge(50);

        IReadOnlyList<OutOfMemoryDecision> decisions = tree.Controller.OutOfMemoryDecisions;
        Assert.Equal(16, decisions.Count);
        Assert.Equal(decisions.Order(Comparer<OutOfMemoryDecision>.Create((x, y) => x.Time.CompareTo(y.Time))), decisions);
        Assert.All(decisions, decision =>
        {
            Assert.True(decision.Candidates.Count <= 8);
            Assert.Contains(decision.VictimPath, decision.Candidates.Select(one => one.Path));
            Assert.Equal(decision.Candidates.Select(one => one.Score).OrderDescending(),
                decision.Candidates.Select(one => one.Score));
        });
    }

    [Fact]
    public void A_custom_policy_may_choose_a_whole_tenant()
    {
        var tree = new OomTree(new Custom(context =>
        {
            foreach (OutOfMemoryCandidate one in context.Candidates)
            {
                one.Score = one.Group.Parent == context.Limiter ? one.TotalBytes : -1;
            }


            OutOfMemoryCandidate victim = context.Candidates.MaxBy(one => one.Score)!;
            return OutOfMemoryChoice.Kill(victim.Group, "the largest tenant");
        }), new() { MaxBytes = 100 });
        MemoryGroup one = tree.Tenant("one", 30), many = tree.Tenant("many", 0);
        for (int i = 0; i < 3; i++) OomTree.Fill(many.CreateChild($"{i}"), 20);
        tree.Tenant("asks", 0).Charge(MemoryKind.User, 20);
        Assert.Equal((MemoryGroupState.Online, MemoryGroupState.Killed), (one.State, many.State));
        Assert.Equal(4, tree.Last.KilledCount);
        Assert.Equal((4, 0), (tree.Domain.ReadEvents().OomKill, tree.Domain.ReadEvents().OomGroupKill));
        Assert.Equal(60, tree.Last.Candidates[0].Score);
    }

    [Fact]
    public void A_policy_that_throws_refuses_and_the_fault_is_recorded()
    {
        var tree = new OomTree(new Custom(_ => throw new FormatException("test")), new() { MaxBytes = 100 });
        MemoryGroup a = tree.Tenant("a", 100);
        Assert.Throws<MemoryLimitExceededException>(() => a.Charge(MemoryKind.User, 1));
        Assert.Equal((OutOfMemoryOutcome.Refused, "it threw FormatException: test"), (tree.Last.Outcome, tree.Last.Fault));
        Assert.Equal(MemoryGroupState.Online, a.State);
        Assert.Equal(1, tree.Domain.ReadEvents().Oom);
        Assert.Equal("it threw FormatException: test", tree.Controller.PreviewOutOfMemory(tree.Domain).Fault);
    }

    [Fact]
    public void A_policy_that_chooses_outside_of_the_domain_refuses_and_the_fault_is_recorded()
    {
        MemoryGroup? chosen = null;
        var tree = new OomTree(
            new Custom(_ => chosen is null ? default : OutOfMemoryChoice.Kill(chosen, "test")), new() { MaxBytes = 100 });
        MemoryGroup a = tree.Tenant("a", 100), outside = tree.Controller.Root.CreateChild("o");
        MemoryGroup exempt = tree.Tenant("e", 0, new() { OutOfMemoryPriority = OutOfMemoryPolicy.NeverKilled });
        Check(outside, "it chose '/o', which is not at or below '/d'");
        Check(tree.Controller.Root, "it chose '/', which is not at or below '/d'");
        Check(new MemoryController().Root.CreateChild("d"), "it chose '/d', which is not at or below '/d'");
        Check(exempt, "it chose '/d/e', which is exempt");
        Check(null, null);
        Assert.Equal("the policy chose nobody", tree.Last.Reason);
        Assert.Equal(0, tree.Controller.Root.ReadEvents().OomKill);

        void Check(MemoryGroup? group, string? fault)
        {
            chosen = group;
            Assert.Throws<MemoryLimitExceededException>(() => a.Charge(MemoryKind.User, 1));
            Assert.Equal((OutOfMemoryOutcome.Refused, fault), (tree.Last.Outcome, tree.Last.Fault));
        }
    }

    [Fact]
    public void A_policy_that_chooses_a_dead_group_ends_in_a_refusal()
    {
        MemoryGroup? chosen = null;
        var tree = new OomTree(new Custom(_ => OutOfMemoryChoice.Kill(chosen!, "test")), new() { MaxBytes = 100 });
        MemoryGroup a = tree.Tenant("a", 100);
        chosen = tree.Tenant("killed", 0);
        chosen.Kill("test");
        Assert.Throws<MemoryLimitExceededException>(() => a.Charge(MemoryKind.User, 1));
        chosen.Remove();
        Assert.Throws<MemoryLimitExceededException>(() => a.Charge(MemoryKind.User, 1));
        Assert.Equal(0, tree.Domain.ReadEvents().OomKill);
    }

    [Fact]
    public void A_policy_that_charges_kills_and_previews_is_contained()
    {
        OomTree? tree = null;
        MemoryGroup? a = null, b = null;
        tree = new OomTree(new Custom(context =>
        {
            if (context.IsPreview) return OutOfMemoryChoice.Refuse("a preview");
            Assert.Throws<MemoryLimitExceededException>(() => b!.Charge(MemoryKind.User, 1));
            Assert.Equal("a preview", tree!.Controller.PreviewOutOfMemory(tree.Domain).Reason);
            a!.Kill("from within");
            return OutOfMemoryChoice.Kill(a!, "too late");
        }), new() { MaxBytes = 100 });
        a = tree.Tenant("a", 60);
        b = tree.Tenant("b", 40);
        b.Charge(MemoryKind.User, 10);
        Assert.Equal("from within", a.KillReason);
        Assert.Equal((1, 0), (tree.Domain.ReadEvents().Oom, tree.Domain.ReadEvents().OomKill));
    }

    [Fact]
    public void An_observer_that_throws_charges_and_kills_is_contained()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { MaxBytes = 100 });
        MemoryGroup a = tree.Tenant("a", 60), b = tree.Tenant("b", 30), c = tree.Tenant("c", 0);
        int heard = 0;
        using IDisposable first = tree.Controller.ObserveOutOfMemory(_ => throw new FormatException("test"));
        using IDisposable second = tree.Controller.ObserveOutOfMemory(_ => Record.Exception(() => c.Charge(MemoryKind.User, 99)));
        using IDisposable third = tree.Controller.ObserveOutOfMemory(_ => b.Kill("test"));
        using IDisposable fourth = tree.Controller.ObserveOutOfMemory(_ => heard++);
        c.Charge(MemoryKind.User, 20);
        Assert.Equal(1, heard);
        Assert.Equal((MemoryGroupState.Killed, MemoryGroupState.Killed), (a.State, b.State));
        Assert.Equal(1, tree.Domain.ReadEvents().OomKill);
    }

    [Fact]
    public void A_record_keeps_no_removed_group_alive()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { MaxBytes = 100 });
        WeakReference group = KillOne(tree);
        for (int i = 0; i < 100 && group.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Thread.Yield();
        }

        Assert.False(group.IsAlive);
        Assert.Equal("/d/a", tree.Last.VictimPath);
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static WeakReference KillOne(OomTree tree)
    {
        MemoryGroup a = tree.Tenant("a", 100);
        tree.Tenant("b", 0).Charge(MemoryKind.User, 1);
        a.Remove();
        return new WeakReference(a);
    }

    private sealed class Custom(Func<OutOfMemoryContext, OutOfMemoryChoice> choose) : IOutOfMemoryPolicy
    {
        public OutOfMemoryChoice Choose(OutOfMemoryContext context) => choose(context);
    }
}

internal static class Charges
{
    public static void TryMakeCharge(this MemoryGroup group, long bytes) =>
        Record.Exception(() => group.Charge(MemoryKind.User, bytes));
}
