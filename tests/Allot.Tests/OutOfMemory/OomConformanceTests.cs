namespace Allot.Tests.OutOfMemory;

/// <summary>The kernel's own tests of hard limits and of <c>memory.oom.group</c>, a byte for a mebibyte. A task is a
/// group: one that allocates charges in steps and ends with its token, as a process ends with its signal.</summary>
public sealed class OomConformanceTests
{
    [Fact]
    public void M7_max_is_a_hard_limit()
    {
        Assert.Equal(MemoryGroup.Unlimited, new MemoryController().Root.CreateChild("x").Memory.MaxBytes);
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { MaxBytes = 30 });
        Assert.True(RunsOutOfMemory(tree.Tenant("anon", 0), 100));

        // What can be reclaimed runs.
        using var cache = new Reclaim.TestCache(tree.Tenant("file", 0));
        for (int i = 0; i < 50; i++) cache.Insert();
        Assert.InRange(tree.Domain.Memory.CurrentBytes, 1, 30);
        Assert.True(tree.Domain.ReadEvents().MemoryMax > 0);
    }

    [Fact]
    public void M9_oom_events()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { MaxBytes = 30 });
        Assert.True(RunsOutOfMemory(tree.Domain, 100));
        MemoryEvents events = tree.Domain.ReadEvents();
        Assert.Equal((1, 1, 0), (events.Oom, events.OomKill, events.OomGroupKill));
        AssertEmpties(tree.Domain);
    }

    [Fact]
    public void M14_oom_group_leaf()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest);
        MemoryGroup child = tree.Tenant("child", 0, new() { MaxBytes = 50, KillsAsOne = true });
        MemoryGroup[] tasks = [Task(child, "1", 1), Task(child, "2", 1), child.CreateChild("3")];
        Assert.True(RunsOutOfMemory(tasks[2], 100));

        Assert.All(tasks, task => Assert.Equal(MemoryGroupState.Killed, task.State));
        AssertEmpties(child);
        Assert.Equal((4, 1), (child.ReadEvents().OomKill, child.ReadLocalEvents().OomGroupKill));
        Assert.Equal((4, 0), (tree.Domain.ReadEvents().OomKill, tree.Domain.ReadLocalEvents().OomKill));
    }

    [Fact]
    public void M15_oom_group_parent()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { MaxBytes = 80, KillsAsOne = true });
        OomTree.Fill(tree.Domain, 60);
        MemoryGroup child = tree.Tenant("child", 0);
        MemoryGroup[] tasks = [Task(child, "1", 1), Task(child, "2", 1), child.CreateChild("3")];
        Assert.True(RunsOutOfMemory(tasks[2], 100));

        Assert.All([tree.Domain, child, .. tasks], group => Assert.Equal(MemoryGroupState.Killed, group.State));
        AssertEmpties(tree.Domain);
        Assert.Equal(1, tree.Domain.ReadEvents().OomGroupKill);
    }

    [Fact]
    public void M15_flags_above_the_domain_are_ignored_and_the_highest_below_wins()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest, new() { KillsAsOne = true });
        MemoryGroup limited = tree.Tenant("limited", 0, new() { MaxBytes = 80 });
        MemoryGroup upper = limited.CreateChild("upper", new() { KillsAsOne = true });
        MemoryGroup lower = upper.CreateChild("lower", new() { KillsAsOne = true });
        MemoryGroup sibling = Task(upper, "sibling", 1);
        Assert.True(RunsOutOfMemory(lower, 100));

        Assert.All([upper, lower, sibling], group => Assert.Equal(MemoryGroupState.Killed, group.State));
        Assert.All([tree.Domain, limited], group => Assert.Equal(MemoryGroupState.Online, group.State));
        Assert.Equal((1, 1), (upper.ReadLocalEvents().OomGroupKill, limited.ReadEvents().OomGroupKill));
        Assert.Equal(("/d/limited/upper/lower", "/d/limited/upper"), (tree.Last.VictimPath, tree.Last.KilledPath));
    }

    // The kernel counts its first victim twice: once when it is chosen and once when its group is swept. We do not.
    [Fact]
    public void M16_oom_group_score()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest);
        MemoryGroup group = tree.Tenant("group", 0, new() { MaxBytes = 50, KillsAsOne = true });
        MemoryGroup exempt = group.CreateChild("exempt", new() { OutOfMemoryPriority = OutOfMemoryPolicy.NeverKilled });
        OomTree.Fill(exempt, 1);
        MemoryGroup small = Task(group, "small", 1), first = group.CreateChild("first");
        Assert.True(RunsOutOfMemory(first, 100));

        exempt.Charge(MemoryKind.User, 1);
        Assert.Equal([1, 1, 1, 0], OomTree.OomKills(group, small, first, exempt));   // group, too, is a group that ended
        Assert.Equal((3, 1), (group.ReadEvents().OomKill, group.ReadEvents().OomGroupKill));
    }

    [Fact]
    public void M16_a_flagged_leaf_that_is_its_own_victim_counts_once()
    {
        var tree = new OomTree(OutOfMemoryPolicy.Largest);
        MemoryGroup leaf = tree.Tenant("leaf", 0, new() { MaxBytes = 50, KillsAsOne = true });
        Assert.True(RunsOutOfMemory(leaf, 100));
        Assert.Equal((1, 1, 1), (leaf.ReadEvents().Oom, leaf.ReadEvents().OomKill, leaf.ReadEvents().OomGroupKill));
    }

    private static MemoryGroup Task(MemoryGroup parent, string name, long bytes)
    {
        MemoryGroup task = parent.CreateChild(name);
        OomTree.Fill(task, bytes);
        return task;
    }

    // The owners of the others may still be being told.
    private static void AssertEmpties(MemoryGroup group) =>
        Assert.True(SpinWait.SpinUntil(() => group.Memory.CurrentBytes == 0, TimeSpan.FromSeconds(60)));

    // Charges byte by byte until the group is killed, and lets go then.
    private static bool RunsOutOfMemory(MemoryGroup group, long bytes)
    {
        using var gone = new ManualResetEventSlim();
        long charged = 0;
        group.Killed.Register(() =>
        {
            group.Uncharge(MemoryKind.User, Volatile.Read(ref charged));
            gone.Set();
        });
        try
        {
            for (; charged < bytes; charged++) group.Charge(MemoryKind.User, 1);
            return false;
        }
        catch (MemoryLimitExceededException exception)
        {
            Assert.Equal(RefusalReason.GroupKilled, exception.Refusal.Reason);
            gone.Wait(TestContext.Current.CancellationToken);
            return true;
        }
    }
}
