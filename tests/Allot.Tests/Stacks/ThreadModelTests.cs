using Allot.Testing;

namespace Allot.Tests.Stacks;

/// <summary>Random threads that start and end, in random groups that come and go, against plain sums: each group reads
/// what the stacks of its living threads really take, and in the end nothing.</summary>
public sealed class ThreadModelTests
{
    private const int Steps = 300, GroupsMost = 8, ThreadsMost = 24;
    private static readonly int[] s_stackBytes = [0, 1, 100_000, HeldThread.StackBytes, 1 << 20];

    public static TheoryData<ulong> Seeds => [1, 2, 3, 4, 5];

    [Theory, MemberData(nameof(Seeds))]
    public void Every_group_reads_its_threads_and_then_nothing(ulong seed)
    {
        var random = new Prng(seed);
        var tree = new MemoryController();
        List<MemoryGroup> groups = [tree.Root];
        List<(HeldThread Thread, MemoryGroup Group)> live = [];
        int refused = 0;
        for (int step = 0; step < Steps; step++)
        {
            MemoryGroup group = random.Pick(groups);
            switch (random.Below(10))
            {
                case 0 when groups.Count < GroupsMost:
                    long max = random.OneIn(2) ? 2 << 20 : MemoryGroup.Unlimited;
                    groups.Add(group.CreateChild($"g{step}", new() { KernelMaxBytes = max }));
                    break;
                case 1 when group.Parent is not null && group.Children.Count == 0:
                    group.Remove();
                    groups.Remove(group);
                    live = [.. live.Select(one => one.Group == group ? (one.Thread, group.Parent) : one)];
                    break;
                case < 7 when live.Count < ThreadsMost:
                    try
                    {
                        live.Add((new HeldThread(group, random.Pick(s_stackBytes)), group));
                    }
                    catch (MemoryLimitExceededException)
                    {
                        refused++;
                    }

                    break;
                case > 6 when live.Count > 0:
                    (HeldThread Thread, MemoryGroup Group) ended = random.Pick(live);
                    live.Remove(ended);
                    ended.Thread.Dispose();
                    break;
            }

            Assert.All(groups, one => AssertReads(one, live));
        }

        Assert.True(refused > 0, "Limits are met.");
        foreach ((HeldThread thread, _) in live) thread.Dispose();
        Assert.All(groups, one => AssertReads(one, []));
        Assert.Equal(default, tree.Root.ReadStat());
        Assert.Equal(0, tree.Root.ReadEvents().AccountingErrors);
        Assert.Empty(TreeWalk.FindViolations(tree));
    }

    [Fact]
    public void Threads_that_start_and_end_at_once_while_groups_come_and_go_leave_nothing()
    {
        const int Starters = 4, Each = 60;
        var tree = new MemoryController(new() { KernelMaxBytes = 3L << 20 });
        MemoryGroup[] groups = [.. Enumerable.Range(0, 3).Select(i => tree.Root.CreateChild($"g{i}"))];
        Thread[] starters = [.. Enumerable.Range(1, Starters).Select(seed => new Thread(() => StartMany((ulong)seed)))];
        foreach (Thread starter in starters) starter.Start();
        for (int i = 0; starters.Any(static starter => starter.IsAlive); i++)
        {
            groups[i % 3].Remove();
            groups[i % 3] = tree.Root.CreateChild($"g{i % 3}");
            Assert.InRange(tree.Root.ReadThreadStat().Threads, 0, 12);   // no more fit
        }

        foreach (Thread starter in starters) starter.Join();
        Assert.Equal(default, tree.Root.ReadThreadStat());
        Assert.Equal(default, tree.Root.ReadStat());
        Assert.Equal(0, tree.Root.ReadEvents().AccountingErrors);
        Assert.Empty(TreeWalk.FindViolations(tree));

        void StartMany(ulong seed)
        {
            var random = new Prng(seed);
            var options = new GroupThreadOptions { StackBytes = HeldThread.StackBytes, IsBackground = true };
            List<Thread> started = [];
            for (int i = 0; i < Each; i++)
            {
                MemoryGroup group = random.Pick(Volatile.Read(ref groups));
                long charged = 1 + random.Below(1000);
                Thread? thread = GroupThread.TryStart(group, options, () => ChargeABit(charged), out _);
                if (thread is not null) started.Add(thread);
            }

            foreach (Thread thread in started) thread.Join();
        }

        // On the account of the current group, so that the thread holds something in advance when it ends.
        static void ChargeABit(long bytes)
        {
            for (int i = 0; i < 20; i++)
            {
                if (!AmbientCharging.TryCharge(MemoryKind.User, bytes, out MemoryGroup? payer, out _)) continue;
                payer!.Uncharge(MemoryKind.User, bytes);
            }
        }
    }

    private static void AssertReads(MemoryGroup group, List<(HeldThread Thread, MemoryGroup Group)> live)
    {
        HeldThread[] own = [.. live.Where(one => IsWithin(one.Group, group)).Select(one => one.Thread)];
        var expected = new GroupThreadStat(own.Length, own.Sum(thread => thread.RealBytes));
        Assert.Equal(expected, group.ReadThreadStat());
        Assert.Equal((expected.StackBytes, expected.StackBytes), (group.Kernel.CurrentBytes, group.Memory.CurrentBytes));
    }

    private static bool IsWithin(MemoryGroup? group, MemoryGroup ancestor) =>
        group is not null && (group == ancestor || IsWithin(group.Parent, ancestor));
}
