using Allot.Testing;

namespace Allot.Stress;

/// <summary>Many groups, and many threads.</summary>
[Collection(Alone)]
public sealed class ScaleTests(ITestOutputHelper output)
{
    /// <summary>What looks at the memory of the process, or needs all of it for itself, runs by itself.</summary>
    public const string Alone = "alone";

    // Without the name itself, which the caller has made: only its entry in the table of the parent.
    private const long IdleGroupBytesMax = 400;
    private const int Threads = 100;
    private const long MiB = 1 << 20;

    public static TheoryData<ulong> Seeds => [.. Load.Seeds];

    [Fact]
    public void An_idle_group_is_small()
    {
        const int Groups = 10_000;
        string[] names = [.. Enumerable.Range(0, Groups).Select(i => $"g{i}")];
        MemoryGroup parent = new MemoryController().Root.CreateChild("p");
        parent.CreateChild("first").Remove();
        long before = GC.GetAllocatedBytesForCurrentThread();
        foreach (string name in names) parent.CreateChild(name);
        long each = (GC.GetAllocatedBytesForCurrentThread() - before) / Groups;   // what the table outgrew included
        output.WriteLine($"{each} bytes for each group");
        Assert.InRange(each, 1, IdleGroupBytesMax);
    }

    public static TheoryData<string, MemoryGroupOptions> Weights => new()
    {
        { "short", new() },
        { new string('n', 200), new() },
        { "kernel", new() { KernelMaxBytes = 1 << 20 } },
        { "pins", new() { PinsMaxBytes = 1 << 20 } },
        { "protected", new() { LowBytes = 1 } },
        { "life", new() { OutOfMemoryPriority = 1 } },
        { "all", new() { KernelMaxBytes = 1 << 20, PinsMaxBytes = 1 << 20, MinBytes = 1, KillsAsOne = true } },
    };

    [Theory, MemberData(nameof(Weights), DisableDiscoveryEnumeration = true)]
    public void What_parents_pay_for_groups_is_near_what_the_heap_shows(string name, MemoryGroupOptions options)
    {
        const int Groups = 5_000;
        MemoryGroup parent = new MemoryController(options: new() { ChargesGroupMetadata = true }).Root;
        (_, _) = (parent.Kernel, parent.Pins);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (int i = 0; i < Groups; i++) parent.CreateChild($"{name}{i:d4}", options);
        long heap = GC.GetTotalMemory(forceFullCollection: true) - before;
        output.WriteLine($"{heap / Groups} bytes on the heap, {parent.Kernel.CurrentBytes / Groups} charged");
        Assert.InRange(parent.Kernel.CurrentBytes, heap * 85 / 100, heap * 115 / 100);
        GC.KeepAlive(parent);
    }

    [Fact]
    public void Counters_of_kernel_memory_and_pins_come_with_the_first_use()
    {
        MemoryGroup group = new MemoryController().Root.CreateChild("p").CreateChild("a");
        group.Charge(MemoryKind.User, 1);
        _ = group.ReadStat();
        Assert.Null(group.KernelIfAny);
        Assert.Null(group.PinsIfAny);
        group.Charge(MemoryKind.Kernel, 1);
        group.ForcePin(PinKind.Locked, 1);
        Assert.NotNull(group.Parent!.KernelIfAny);
        Assert.NotNull(group.Parent.PinsIfAny);
    }

    [Theory, InlineData(1), InlineData(4)]
    public void Removed_groups_leave_nothing(int depth)
    {
        const int Groups = 100_000;
        var tree = new MemoryController();
        CreateAndRemove(tree.Root.CreateChild("warm-up"), 10, depth);
        MemoryGroup parent = tree.Root.CreateChild("p");
        long before = GC.GetTotalMemory(forceFullCollection: true);
        CreateAndRemove(parent, Groups, depth);
        long left = GC.GetTotalMemory(forceFullCollection: true) - before;
        output.WriteLine($"{left} bytes left after {Groups} groups");
        Assert.InRange(left, long.MinValue, 100_000);
        Assert.Empty(parent.Children);
        GC.KeepAlive(tree);
    }

    [Fact]
    public void A_table_that_has_become_too_large_shrinks()
    {
        const int Groups = 20_000, Kept = 10;
        MemoryGroup parent = new MemoryController().Root;
        long before = GC.GetTotalMemory(forceFullCollection: true);
        CreateAndRemoveAfter(Kept);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 50_000);
        Assert.Equal(Kept, parent.Children.Count);

        void CreateAndRemoveAfter(int kept)
        {
            MemoryGroup[] groups = [.. Enumerable.Range(0, Groups).Select(i => parent.CreateChild($"g{i}"))];
            foreach (MemoryGroup group in groups.AsSpan(kept)) group.Remove();
        }
    }

    [Theory, MemberData(nameof(Seeds))]
    public void Ten_thousand_groups_under_one_limit_with_a_hundred_threads_end_at_zero(ulong seed)
    {
        const long MaxBytes = 64 * MiB;
        output.WriteLine($"ALLOT_STRESS_SEED={seed}");
        var tree = new MemoryController(new() { MaxBytes = MaxBytes });
        MemoryGroup[] groups = NewGroups(tree.Root);
        int operations = Load.Operations(2_000);
        long refused = 0, mostReserved = 0;
        using var haveAllCharged = new CountdownEvent(Threads);

        Crew.Run(
            [.. Enumerable.Range(1, Threads).Select(i => (Action)(() => ChargeAndGiveBack((seed * 1000) + (ulong)i)))],
            watch: () =>
            {
                Assert.InRange(tree.Root.Memory.CurrentBytes, 0, MaxBytes);
                mostReserved = Math.Max(mostReserved, tree.Root.Memory.ReservedBytes);
            });

        Assert.Empty(TreeWalk.FindViolations(tree));
        tree.Reserves.TakeBack(tree.Root.Memory);
        Assert.Empty(TreeWalk.FindViolations(tree));
        Assert.All(groups, group => Assert.Equal(0, group.Memory.RecordedBytes));
        Assert.Equal((0, 0), (tree.Root.Memory.RecordedBytes, tree.Root.Kernel.RecordedBytes));
        Assert.Equal(0, tree.Root.ReadEvents().AccountingErrors);
        Assert.True(refused > 0, "The limit never acted: the test proves nothing.");
        output.WriteLine($"{refused} refusals; {mostReserved} bytes held in advance at most");

        // Nobody lets go of what is left before all have charged: otherwise one after the other could have it all.
        void ChargeAndGiveBack(ulong threadSeed)
        {
            var held = new List<(MemoryGroup Group, MemoryKind Kind, long Bytes)>();
            try
            {
                Work(new Prng(threadSeed), held);
            }
            finally
            {
                haveAllCharged.Signal();
            }

            haveAllCharged.Wait();
            foreach ((MemoryGroup group, MemoryKind kind, long bytes) in held) group.Uncharge(kind, bytes);
        }

        void Work(Prng random, List<(MemoryGroup Group, MemoryKind Kind, long Bytes)> held)
        {
            for (int i = 0; i < operations; i++)
            {
                if (held.Count > 0 && random.OneIn(3))
                {
                    int last = held.Count - 1, any = random.Below(held.Count);
                    (MemoryGroup Group, MemoryKind Kind, long Bytes) one = held[any];
                    (held[any], held[last]) = (held[last], held[any]);
                    held.RemoveAt(last);
                    one.Group.Uncharge(one.Kind, one.Bytes);
                }
                else if (random.OneIn(500))
                {
                    Replace(ref groups[random.Below(groups.Length)], $"n{seed}-{random.Next()}");
                }
                else
                {
                    MemoryGroup group = Volatile.Read(ref groups[random.Below(groups.Length)]);
                    MemoryKind kind = random.OneIn(3) ? MemoryKind.Kernel : MemoryKind.User;
                    long bytes = 1 + random.Below(3_000);
                    for (int times = random.OneIn(20) ? 30 : 1; times > 0; times--)
                    {
                        if (group.TryCharge(kind, bytes, out _)) held.Add((group, kind, bytes));
                        else Interlocked.Increment(ref refused);
                    }
                }
            }
        }

        static void Replace(ref MemoryGroup slot, string name)
        {
            MemoryGroup created = slot.Parent!.CreateChild(name);
            Interlocked.Exchange(ref slot, created).Remove();
        }
    }

    [Fact]
    public void Two_thousand_threads_hold_no_more_in_advance_than_the_bound()
    {
        const int Many = 2_000;
        const long ReservesMaxBytes = 8 * MiB, MaxBytes = 1L << 30;
        var tree = new MemoryController(
            new() { MaxBytes = MaxBytes }, new() { ReservesMaxBytes = ReservesMaxBytes });
        MemoryGroup[] groups = [.. Enumerable.Range(0, 16).Select(i => tree.Root.CreateChild($"g{i}"))];
        using var areBusy = new CountdownEvent(Many);
        using var end = new ManualResetEventSlim();
        Thread[] threads = [.. Enumerable.Range(0, Many).Select(i => new Thread(() => Hold(groups[i % 16]), 128 << 10))];
        foreach (Thread thread in threads) thread.Start();
        areBusy.Wait(TestContext.Current.CancellationToken);
        try
        {
            long reserved = tree.Root.Memory.ReservedBytes;
            output.WriteLine($"{reserved} bytes held in advance by {tree.Reserves.BoundSlots} threads of {Many}");
            Assert.InRange(reserved, 1, ReservesMaxBytes);
            Assert.Equal(Many, tree.Root.Memory.CurrentBytes);
            Assert.True(groups[0].TryCharge(MemoryKind.User, MaxBytes - Many, out _));   // nobody is in the way
            Assert.Equal(0, tree.Root.Memory.ReservedBytes);
            groups[0].Uncharge(MemoryKind.User, MaxBytes - Many);
        }
        finally
        {
            end.Set();
            foreach (Thread thread in threads) thread.Join();
        }

        Assert.Equal(0, tree.Root.Memory.CurrentBytes);
        tree.Reserves.TakeBack(tree.Root.Memory);
        Assert.Equal((0, 0), (tree.Root.Memory.RecordedBytes, tree.Reserves.BoundSlots));

        void Hold(MemoryGroup group)
        {
            for (int i = 0; i < 100; i++)
            {
                group.Charge(MemoryKind.User, 64);
                group.Uncharge(MemoryKind.User, 64);
            }

            group.Charge(MemoryKind.User, 1);
            areBusy.Signal();
            end.Wait();
            group.Uncharge(MemoryKind.User, 1);
        }
    }

    // 100 groups with 100 groups each, of which some have a limit.
    private static MemoryGroup[] NewGroups(MemoryGroup root)
    {
        var groups = new List<MemoryGroup>();
        for (int i = 0; i < 100; i++)
        {
            MemoryGroup middle = root.CreateChild($"m{i}", new() { MaxBytes = i % 4 == 0 ? 400_000 : MiB * 100 });
            for (int k = 0; k < 100; k++) groups.Add(middle.CreateChild($"g{k}"));
        }

        return [.. groups];
    }

    // Each depth down another name, 32 groups wide.
    private static void CreateAndRemove(MemoryGroup parent, int count, int depth)
    {
        var groups = new List<MemoryGroup>();
        var parents = new List<MemoryGroup> { parent };
        int wide = depth == 1 ? count : 32;
        for (int next = 0; groups.Count < count; next++)
        {
            for (int i = 0; i < wide && groups.Count < count; i++)
            {
                groups.Add(parents[next].CreateChild($"g{i}"));
                parents.Add(groups[^1]);
            }
        }

        for (int i = groups.Count - 1; i >= 0; i--) groups[i].Remove();
    }
}

[CollectionDefinition(ScaleTests.Alone, DisableParallelization = true)]
public sealed class AloneDefinition;
