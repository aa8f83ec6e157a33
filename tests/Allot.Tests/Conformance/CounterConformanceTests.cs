namespace Allot.Tests.Conformance;

/// <summary>What the kernel's page counter and its charges imply, row by row: docs/reference/conformance.md.</summary>
public sealed class CounterConformanceTests
{
    private readonly MemoryController _controller = new();

    /// <summary>Linux: a charge that ends at the limit succeeds, one that passes it by a page fails.</summary>
    [Fact]
    public void X1_a_charge_may_reach_the_limit_and_not_pass_it()
    {
        MemoryGroup group = _controller.Root.CreateChild("g", new() { MaxBytes = 8192 });
        Assert.True(group.TryCharge(MemoryKind.User, 8191, out _));
        Assert.True(group.TryCharge(MemoryKind.User, 1, out _));
        Assert.False(group.TryCharge(MemoryKind.User, 1, out _));
        Assert.Equal(8192, group.Memory.CurrentBytes);
    }

    /// <summary>Linux: a hierarchical charge that fails leaves every level as it was. Ours too, peaks included.</summary>
    [Fact]
    public void X2_a_refused_charge_leaves_every_level_unchanged()
    {
        MemoryGroup top = _controller.Root.CreateChild("top", new() { MaxBytes = 100 });
        MemoryGroup middle = top.CreateChild("middle", new() { KernelMaxBytes = 1000 });
        MemoryGroup leaf = middle.CreateChild("leaf");
        leaf.Charge(MemoryKind.Kernel, 60);
        Assert.False(leaf.TryCharge(MemoryKind.Kernel, 50, out ChargeRefusal refusal));
        Assert.Equal(top, refusal.Limiter);
        foreach (MemoryGroup level in (MemoryGroup[])[leaf, middle, top, _controller.Root])
        {
            Assert.Equal([60, 60, 60, 60], [
                level.Memory.CurrentBytes, level.Kernel.CurrentBytes, level.Memory.PeakBytes, level.Kernel.PeakBytes,
            ]);
        }
    }

    /// <summary>Linux: lowering memory.max below use succeeds; with nothing to kill, use stays above and charges
    /// fail.</summary>
    [Fact]
    public void X3_a_limit_below_use_is_set_and_refuses_what_comes()
    {
        MemoryGroup group = _controller.Root.CreateChild("g");
        group.Charge(MemoryKind.User, 5000);
        group.Files.Write("memory.max", "1000");
        Assert.Equal(1000, group.Memory.MaxBytes);
        Assert.Equal(5000, group.Memory.CurrentBytes);
        Assert.False(group.TryCharge(MemoryKind.User, 1, out _));
        Assert.Throws<MemoryLimitExceededException>(() => group.Charge(MemoryKind.User, 1));
        Assert.Equal(MemoryGroupState.Online, group.State);
    }

    /// <summary>Linux: a charge that must not fail passes the limit and counts as max. Ours counts it apart.</summary>
    [Fact]
    public void X4_a_forced_charge_passes_the_limit_is_counted_and_comes_back()
    {
        MemoryGroup group = _controller.Root.CreateChild("g", new() { MaxBytes = 1000 });
        group.Charge(MemoryKind.User, 1000);
        group.ForceCharge(MemoryKind.User, 500);
        Assert.Equal(1500, group.Memory.CurrentBytes);
        Assert.Equal(1, group.ReadEvents().MemoryForced);
        Assert.Equal(0, group.ReadEvents().MemoryMax);
        group.Uncharge(MemoryKind.User, 500);
        Assert.Equal(1000, group.Memory.CurrentBytes);
    }

    /// <summary>Linux: any mix of sizes on any processors, then the group is deleted: the parent is back where it
    /// was.</summary>
    [Fact]
    public void X6_no_residue_of_any_mix_of_sizes_is_left()
    {
        MemoryGroup parent = _controller.Root.CreateChild("p");
        parent.Charge(MemoryKind.User, 777);
        for (int round = 0; round < 20; round++)
        {
            MemoryGroup child = parent.CreateChild("c");
            Parallel.For(0, 4, worker =>
            {
                for (int size = 1; size < 9000; size = (size * 3 / 2) + worker + 1)
                {
                    child.Charge(MemoryKind.Kernel, size);
                    child.Charge(MemoryKind.User, size);
                    child.Uncharge(MemoryKind.Kernel, size);
                    child.Uncharge(MemoryKind.User, size);
                }
            });
            child.Remove();
        }

        Assert.Equal(777, parent.Memory.CurrentBytes);
        Assert.Equal(0, parent.Kernel.CurrentBytes);
        Assert.Equal(777, _controller.Root.Memory.CurrentBytes);
    }

    /// <summary>Linux: objects of a deleted group are freed later on the account of its parent; the number of dying
    /// groups goes to 0. Here it never leaves 0.</summary>
    [Fact]
    public void X7_objects_of_a_removed_group_are_freed_on_the_account_of_its_parent()
    {
        MemoryGroup parent = _controller.Root.CreateChild("p");
        MemoryGroup child = parent.CreateChild("c");
        MemoryCharge[] objects = [.. Enumerable.Range(0, 10).Select(_ => child.Hold(MemoryKind.Kernel, 64))];
        child.Remove();
        Assert.Equal("nr_descendants 0\nnr_dying_descendants 0\n", parent.Files.Read("cgroup.stat"));
        Assert.Equal(640, parent.Kernel.CurrentBytes);
        foreach (MemoryCharge one in objects) one.Dispose();
        Assert.Equal(0, parent.Kernel.CurrentBytes);
    }

    /// <summary>Linux: what the accounting itself allocates is not accounted recursively. Ours: a reclaimer that charges
    /// while it runs does not start another reclaim; like Linux it passes the limit.</summary>
    [Fact]
    public void X8_a_charge_made_by_reclaim_does_not_reclaim()
    {
        MemoryGroup group = _controller.Root.CreateChild("g", new() { MaxBytes = 1000 });
        group.Charge(MemoryKind.User, 1000);
        var reclaimer = new ChargingReclaimer();
        using IDisposable registration = group.Register(reclaimer);
        Assert.Throws<MemoryLimitExceededException>(() => group.Charge(MemoryKind.User, 10));
        Assert.Equal(1, reclaimer.Deepest);
        Assert.Equal(group.ReadEvents().MemoryForced * 10, group.Memory.CurrentBytes - 1000);
        Assert.NotEqual(0, group.ReadEvents().MemoryForced);
    }

    /// <summary>Linux: <c>set_active_memcg</c> nests, and who sets it restores the old one. Here the guard does.
    /// </summary>
    [Fact]
    public void X9_scopes_nest_and_survive_exceptions()
    {
        MemoryGroup a = _controller.Root.CreateChild("a"), b = _controller.Root.CreateChild("b");
        using (a.Enter())
        {
            Assert.Throws<InvalidOperationException>(void () =>
            {
                using ActiveGroupScope inner = b.Enter();
                AmbientCharging.Charge(MemoryKind.Kernel, 10);
                throw new InvalidOperationException("inside");
            });
            AmbientCharging.Charge(MemoryKind.Kernel, 1);
        }

        Assert.Null(AmbientCharging.Charge(MemoryKind.Kernel, 100));
        Assert.Equal((1, 10), (a.Kernel.CurrentBytes, b.Kernel.CurrentBytes));
    }

    /// <summary>Linux: of two concurrent lowerings both return, and the last value holds.</summary>
    [Fact]
    public void X11_of_two_writers_of_a_limit_both_return_and_the_last_wins()
    {
        MemoryGroup group = _controller.Root.CreateChild("g");
        group.Charge(MemoryKind.User, 500);
        for (int round = 0; round < 100; round++)
        {
            Parallel.Invoke(
                () => group.Files.Write("memory.max", "1000"),
                () => group.Files.Write("memory.max", "2000"));
            Assert.Contains(group.Memory.MaxBytes, new long[] { 1000, 2000 });
            Assert.Equal(500, group.Memory.CurrentBytes);
            Assert.Equal(group.Memory.MaxBytes - 500, group.Memory.AvailableBytes);
        }
    }

    /// <summary>Linux: a controller is there in a child only if its parent passes it on. Ours: kernel memory is counted
    /// in a child if it is in the parent.</summary>
    [Fact]
    public void M1_what_is_counted_is_passed_on_to_children()
    {
        var controller = new MemoryController(options: new() { KernelAccounting = KernelAccountingMode.OnFirstLimit });
        MemoryGroup counted = controller.Root.CreateChild("p", new() { KernelMaxBytes = 1000 });
        MemoryGroup uncounted = controller.Root.CreateChild("p2");
        Assert.True(counted.CreateChild("c").CountsKernelMemory);
        Assert.False(uncounted.CreateChild("c2").CountsKernelMemory);
    }

    /// <summary>Linux: what a socket keeps for its reader is charged, follows what is really kept, and is gone when the
    /// socket is closed. Ours: the same with a queue of messages, each of which owns its charge.</summary>
    [Fact]
    public void M11_buffers_are_charged_while_they_wait_for_their_reader_and_not_longer()
    {
        MemoryGroup group = _controller.Root.CreateChild("g", new() { MaxBytes = 16 << 20 });
        long initial = group.Memory.CurrentBytes;
        var queue = new Queue<MemoryCharge>();
        int refused = 0;
        for (int written = 0, read = 0; written < 200; written++)
        {
            var message = group.Hold(MemoryKind.Kernel);
            if (message.TryGrow(1 << 20, out _)) queue.Enqueue(message);
            else refused++;
            if (written % 8 == 7 && read++ < 16) queue.Dequeue().Dispose();
            Assert.Equal(initial + ((long)queue.Count << 20), group.Memory.CurrentBytes);
            Assert.Equal(group.Memory.CurrentBytes - initial, group.Kernel.CurrentBytes);
        }

        Assert.True(refused > 0, "The writer never met the limit.");
        while (queue.TryDequeue(out MemoryCharge? left)) left.Dispose();
        Assert.Equal(0, group.Kernel.CurrentBytes);
        Assert.Equal(initial, group.Memory.CurrentBytes);
    }

    private sealed class ChargingReclaimer : IReclaimer
    {
        private int _depth;

        public int Deepest { get; private set; }

        public ReclaimNeeds Needs => ReclaimNeeds.None;

        public long CountBytes(MemoryGroup group) => 100;

        public long Reclaim(MemoryGroup group, long targetBytes)
        {
            Deepest = Math.Max(Deepest, ++_depth);
            try
            {
                group.Charge(MemoryKind.User, 10);
            }
            catch (MemoryLimitExceededException)
            {
                // Refused without another reclaim: that is the point.
            }

            _depth--;
            return 0;
        }
    }
}
