using Allot.Tests.Reclaim;

namespace Allot.Tests.Stacks;

public sealed class GroupThreadTests
{
    private const int StackBytes = HeldThread.StackBytes;

    private readonly TreeOfThree _tree = new();

    // On Windows the guard is a part of the size that is asked for.
    private static long GuardBytes => OperatingSystem.IsWindows() ? 0 : Environment.SystemPageSize;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100_000)]
    [InlineData(StackBytes)]
    [InlineData(20 << 20)]
    [InlineData(7 << 20)]   // may get the stack of the one before
    public void The_stack_is_charged_as_kernel_memory_with_what_it_really_takes(int stackBytes)
    {
        using (var held = new HeldThread(_tree.Leaf, stackBytes))
        {
            Assert.True(held.RealBytes >= stackBytes + GuardBytes, "The guard is a part of it.");
            Assert.Equal([held.RealBytes, held.RealBytes, held.RealBytes], _tree.Kernel);
            Assert.Equal(_tree.Kernel, _tree.Memory);
            Assert.All(_tree.Groups, group =>
                Assert.Equal(new GroupThreadStat(1, held.RealBytes), group.ReadThreadStat()));
            Assert.Contains($"\nkernel_stack {held.RealBytes}\n", _tree.Leaf.Files.Read("memory.stat"), StringComparison.Ordinal);
        }

        Assert.Equal([0, 0, 0], _tree.Kernel);
        Assert.All(_tree.Groups, group => Assert.Equal(default, group.ReadThreadStat()));
    }

    [Fact]
    public void A_size_that_is_not_asked_for_is_that_of_any_thread()
    {
        using var held = new HeldThread(_tree.Leaf, stackBytes: 0);
        long ofAny = 0;
        var any = new Thread(() => ofAny = ThreadStack.MeasureOwn(0));
        any.Start();
        any.Join();
        Assert.Equal(GroupThread.DefaultStackBytes, ThreadStack.ChargeFor(0) - GuardBytes);
        Assert.InRange(GroupThread.DefaultStackBytes, 64 << 10, ofAny);
    }

    [Fact]
    public void Where_there_is_no_room_there_is_no_thread_and_the_error_says_why()
    {
        long room = ThreadStack.ChargeFor(StackBytes) - 1;
        _tree.Middle.Kernel.MaxBytes = room;
        string before = _tree.Snapshot();
        var options = new GroupThreadOptions { StackBytes = StackBytes, Name = "worker 7" };
        var refused = Assert.Throws<MemoryLimitExceededException>(() =>
            GroupThread.Start(_tree.Leaf, options, () => Assert.Fail("There is no thread.")));
        Assert.StartsWith(
            $"Cannot start the thread 'worker 7' of '/a/b', whose stack takes {room + 1} bytes. Cannot charge {room + 1} "
            + $"bytes to '/a/b' (kernel memory): '/a' holds 0 of its {room} bytes.",
            refused.Message,
            StringComparison.Ordinal);
        Assert.Equal(_tree.Middle, refused.Refusal.Limiter);
        Assert.Equal(before, _tree.Snapshot());
        Assert.Null(GroupThread.TryStart(_tree.Leaf, options, () => { }, out ChargeRefusal refusal));
        Assert.Equal((_tree.Middle, room + 1), (refusal.Limiter, refusal.RequestedBytes));
        Assert.Equal(before, _tree.Snapshot());
        Assert.Equal(default, _tree.Root.ReadThreadStat());
    }

    [Fact]
    public void Caches_make_room_for_a_thread_unless_it_is_only_tried()
    {
        MemoryGroup group = _tree.Leaf;
        using var cache = new TestCache(
            group, entryBytes: 4096, new() { Kind = MemoryKind.Kernel }, MemoryKind.Kernel);
        cache.Fill(1 << 20);
        group.Kernel.MaxBytes = 1 << 20;
        var options = new GroupThreadOptions { StackBytes = StackBytes };
        Assert.Null(GroupThread.TryStart(group, options, () => { }, out _));
        Assert.Empty(cache.Asked);
        using var held = new HeldThread(group);
        Assert.NotEmpty(cache.Asked);
        Assert.InRange(cache.HeldBytes, 1, (1 << 20) - ThreadStack.ChargeFor(StackBytes));
    }

    [Fact]
    public void A_thread_that_the_system_could_not_make_leaves_nothing_charged()
    {
        string before = _tree.Snapshot();
        var stack = new GroupStack(_tree.Leaf, new() { StackBytes = StackBytes }, () => { });
        stack.Charge();
        Assert.Equal(stack.Bytes, _tree.Leaf.Kernel.CurrentBytes);
        var failure = Assert.Throws<InsufficientMemoryException>(() =>
            stack.StartThread(static _ => throw new InsufficientMemoryException("no thread")));
        Assert.StartsWith("The system could not make a thread", failure.Message, StringComparison.Ordinal);
        Assert.Equal([0, 0, 0], _tree.Kernel);
        Assert.Equal(default, _tree.Root.ReadThreadStat());
        Assert.NotEqual(before, _tree.Snapshot());   // but for the peaks, which were true
    }

    [Fact]
    public void The_group_is_the_current_one_on_its_thread_and_its_heir_afterwards()
    {
        MemoryGroup? atFirst = null, later = null;
        using (_tree.Root.EnterFlow())   // goes on in the thread, but the thread has its own group
        using (var held = new HeldThread(_tree.Leaf))
        {
            held.Last = () => later = MemoryGroup.Current;
            using var other = new HeldThread(_tree.Leaf) { Last = () => atFirst = MemoryGroup.Current };
            other.Dispose();
            _tree.Leaf.Remove();
            Assert.Equal([held.RealBytes, held.RealBytes, 0], _tree.Kernel);
            Assert.Equal(new GroupThreadStat(1, held.RealBytes), _tree.Middle.ReadThreadStat());
            Assert.Equal(default, _tree.Leaf.ReadThreadStat());
        }

        Assert.Equal((_tree.Leaf, _tree.Middle), (atFirst, later));
        Assert.Equal([0, 0, 0], _tree.Kernel);
        Assert.Equal(default, _tree.Root.ReadThreadStat());
        Assert.Equal(0, _tree.Root.ReadEvents().AccountingErrors);
    }

    [Fact]
    public void Groups_that_have_ended_start_no_threads()
    {
        _tree.Leaf.Remove();
        var removed = Assert.Throws<MemoryLimitExceededException>(() => GroupThread.Start(_tree.Leaf, () => { }));
        Assert.Equal(RefusalReason.GroupRemoved, removed.Refusal.Reason);
        using var held = new HeldThread(_tree.Middle);
        _tree.Middle.Kill("for the test");
        var killed = Assert.Throws<MemoryLimitExceededException>(() => GroupThread.Start(_tree.Middle, () => { }));
        Assert.Equal(RefusalReason.GroupKilled, killed.Refusal.Reason);
        Assert.Equal(1, _tree.Root.ReadThreadStat().Threads);   // it goes on until it hears of Killed
    }

    [Fact]
    public void Started_where_accounting_is_blocked_it_costs_nobody_then_and_later()
    {
        using (AllocationScope.BlockAccounting())
        {
            using var held = new HeldThread(_tree.Leaf);
            Assert.Equal([0, 0, 0], _tree.Kernel);
            Assert.Equal(new GroupThreadStat(1, 0), _tree.Root.ReadThreadStat());
        }

        Assert.Equal([0, 0, 0], _tree.Kernel);
        Assert.Equal(0, _tree.Root.ReadEvents().AccountingErrors);
    }

    [Fact]
    public void Where_a_thread_denies_or_blocks_at_its_end_its_bytes_come_back_all_the_same()
    {
        using (var held = new HeldThread(_tree.Leaf))
        {
            held.Last = static () =>
            {
                _ = AllocationScope.BlockAccounting();
                _ = AllocationScope.DenyAllocations();
                Thread.CurrentThread.Interrupt();
            };
        }

        Assert.Equal([0, 0, 0], _tree.Kernel);
        Assert.Equal(0, _tree.Leaf.Kernel.ReservedBytes);
    }

    [Fact]
    public void A_group_that_does_not_count_kernel_memory_does_not_begin_to_while_it_has_a_thread()
    {
        var tree = new MemoryController(options: new() { KernelAccounting = KernelAccountingMode.OnFirstLimit });
        MemoryGroup group = tree.Root.CreateChild("g");
        using (new HeldThread(group))
        {
            Assert.Equal(new GroupThreadStat(1, 0), group.ReadThreadStat());
            Assert.Equal(0, group.Memory.CurrentBytes);
            Assert.Throws<InvalidOperationException>(() => group.Kernel.MaxBytes = 1);
        }

        group.Kernel.MaxBytes = 1 << 20;
        using var counted = new HeldThread(group);
        Assert.Equal(counted.RealBytes, group.Kernel.CurrentBytes);
    }

    [Fact]
    public void It_is_as_its_options_say()
    {
        var flowing = new AsyncLocal<int> { Value = 5 };
        int[] seen = new int[2];
        foreach (bool flows in (bool[])[false, true])
        {
            var options = new GroupThreadOptions
            {
                Name = "n",
                IsBackground = true,
                Priority = ThreadPriority.BelowNormal,
                FlowsContext = flows,
            };
            Thread thread = GroupThread.Start(_tree.Leaf, options, () => Look(seen, flows ? 1 : 0, flowing.Value));
            thread.Join();
        }

        Assert.Equal([0, 5], seen);

        static void Look(int[] seen, int index, int value)
        {
            Thread own = Thread.CurrentThread;
            bool isAsAsked = own is { Name: "n", IsBackground: true, Priority: ThreadPriority.BelowNormal };
            seen[index] = isAsAsked ? value : -1;
        }
    }

    [Fact]
    public void Wrong_arguments_are_found_before_anything_changes()
    {
        string before = _tree.Snapshot();
        Assert.Throws<ArgumentOutOfRangeException>(() => GroupThread.Start(_tree.Leaf, () => { }, -1));
        var options = new GroupThreadOptions { Priority = (ThreadPriority)9 };
        Assert.Throws<ArgumentOutOfRangeException>(() => GroupThread.Start(_tree.Leaf, options, () => { }));
        Assert.Throws<ArgumentNullException>(() => GroupThread.Start(_tree.Leaf, null!));
        Assert.Throws<ArgumentNullException>(() => GroupThread.Start(null!, () => { }));
        Assert.Throws<ArgumentNullException>(() => GroupThread.Start(_tree.Leaf, null!, () => { }));
        Assert.Equal(before, _tree.Snapshot());
    }
}
