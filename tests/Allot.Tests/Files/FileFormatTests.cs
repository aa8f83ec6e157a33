namespace Allot.Tests.Files;

/// <summary>What each file reads, to the letter.</summary>
public sealed class FileFormatTests
{
    private const string NoPins = "locked 0\npinned 0\nmemory_lock 0\nsecret 0\nmanaged_array 0\nobject_handle 0\n"
        + "memory_pin 0\nbuffer_pool 0\nring 0\ndevice 0\nother 0\nowners 0\noldest_bytes 0\noldest_usec 0\n";

    private const string NoEvents =
        "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n"
        + "forced 0\nkmem_max 0\nkmem_forced 0\nhigh_delays 0\nhigh_deadlines 0\naccounting_errors 0\nreclaim_errors 0\n"
        + "policy_errors 0\n";

    private const string NoPressure =
        "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";

    private readonly TreeOfThree _tree = new();

    [Theory]
    [InlineData("cgroup.stat", "nr_descendants 0\nnr_dying_descendants 0\n")]
    [InlineData("memory.current", "0\n")]
    [InlineData("memory.events", NoEvents)]
    [InlineData("memory.events.local", NoEvents)]
    [InlineData("memory.high", "max\n")]
    [InlineData("memory.kmem.failcnt", "0\n")]
    [InlineData("memory.kmem.limit_in_bytes", "9223372036854771712\n")]
    [InlineData("memory.kmem.max_usage_in_bytes", "0\n")]
    [InlineData("memory.kmem.usage_in_bytes", "0\n")]
    [InlineData("memory.low", "0\n")]
    [InlineData("memory.max", "max\n")]
    [InlineData("memory.min", "0\n")]
    [InlineData("memory.oom.group", "0\n")]
    [InlineData("memory.peak", "0\n")]
    [InlineData("memory.pressure", NoPressure)]
    [InlineData("memory.stat", "kernel 0\nkernel_stack 0\nuser 0\nreserved 0\nlocked 0\npinned 0\n")]
    [InlineData("pins.current", "0\n")]
    [InlineData("pins.events", "max 0\nforced 0\nleaked 0\n")]
    [InlineData("pins.max", "max\n")]
    [InlineData("pins.peak", "0\n")]
    [InlineData("pins.stat", NoPins)]
    public void A_new_group_reads(string name, string text) => Assert.Equal(text, _tree.Leaf.Files.Read(name));

    [Theory]
    [InlineData("cgroup.stat", "nr_descendants 1\nnr_dying_descendants 0\n")]
    [InlineData("memory.current", "5150\n")]
    [InlineData("memory.high", "8000\n")]
    [InlineData("memory.kmem.limit_in_bytes", "4097\n")]
    [InlineData("memory.kmem.max_usage_in_bytes", "200\n")]
    [InlineData("memory.kmem.usage_in_bytes", "150\n")]
    [InlineData("memory.low", "70\n")]
    [InlineData("memory.max", "9000\n")]
    [InlineData("memory.min", "60\n")]
    [InlineData("memory.peak", "5200\n")]
    [InlineData("memory.stat", "kernel 150\nkernel_stack 0\nuser 5000\nreserved 0\nlocked 30\npinned 12\n")]
    [InlineData("pins.current", "42\n")]
    [InlineData("pins.max", "100\n")]
    [InlineData("pins.peak", "43\n")]
    public void A_group_in_use_reads_bytes_and_rounds_nothing(string name, string text)
    {
        MemoryGroup group = new MemoryController(options: new() { ReservesMaxBytes = 0 }).Root.CreateChild("a", new()
        {
            MaxBytes = 9000,
            HighBytes = 8000,
            LowBytes = 70,
            MinBytes = 60,
            KernelMaxBytes = 4097,
            PinsMaxBytes = 100,
        });
        MemoryGroup below = group.CreateChild("b");
        group.Charge(MemoryKind.User, 3000);
        below.Charge(MemoryKind.User, 2000);
        below.Charge(MemoryKind.Kernel, 200);
        below.Uncharge(MemoryKind.Kernel, 50);
        Assert.True(below.TryPin(PinKind.Locked, 31, out _));
        Assert.True(group.TryPin(PinKind.Pinned, 12, out _));
        below.Unpin(PinKind.Locked, 1);
        Assert.Equal(text, group.Files.Read(name));
    }

    [Fact]
    public void Descendants_of_all_levels_are_counted_and_removed_ones_are_not()
    {
        _tree.Leaf.CreateChild("c").Remove();
        _tree.Middle.CreateChild("d");
        Assert.Equal("nr_descendants 3\nnr_dying_descendants 0\n", _tree.Root.Files.Read("cgroup.stat"));
        Assert.Equal("nr_descendants 2\nnr_dying_descendants 0\n", _tree.Middle.Files.Read("cgroup.stat"));

        MemoryCharge held = _tree.Leaf.Hold(MemoryKind.User, 10);
        _tree.Leaf.Remove();   // nothing is dying, whoever holds what
        Assert.Equal("nr_descendants 2\nnr_dying_descendants 0\n", _tree.Root.Files.Read("cgroup.stat"));
        held.Dispose();
    }

    [Fact]
    public void Bytes_that_are_held_in_advance_are_reserved_and_not_in_use()
    {
        // A clock that stands still, so that nothing is taken back between the two readings.
        var options = new MemoryControllerOptions { Time = new ManualTime() };
        MemoryGroup group = new MemoryController(options: options).Root.CreateChild("a");
        for (int i = 0; i < 1000; i++) group.Charge(MemoryKind.User, 10);
        long reserved = group.Memory.ReservedBytes;
        Assert.True(reserved > 0);
        Assert.Equal("10000\n", group.Files.Read("memory.current"));
        Assert.Equal(
            $"kernel 0\nkernel_stack 0\nuser 10000\nreserved {reserved}\nlocked 0\npinned 0\n", group.Files.Read("memory.stat"));
    }

    [Fact]
    public void Each_event_has_its_line()
    {
        MemoryGroup group = _tree.Leaf;
        Repeat(EventKind.Low, 1);
        Repeat(EventKind.High, 2);
        Repeat(EventKind.MemoryMax, 3);
        Repeat(EventKind.Oom, 4);
        Repeat(EventKind.OomKill, 5);
        Repeat(EventKind.OomGroupKill, 6);
        Repeat(EventKind.MemoryForced, 7);
        Repeat(EventKind.KernelMax, 8);
        Repeat(EventKind.KernelForced, 9);
        Repeat(EventKind.AccountingErrors, 10);
        Repeat(EventKind.ReclaimErrors, 11);
        Repeat(EventKind.PinsMax, 12);
        Repeat(EventKind.PinsForced, 13);
        Repeat(EventKind.HighDelays, 14);
        Repeat(EventKind.HighDeadlines, 15);
        Repeat(EventKind.PinsLeaked, 16);
        Repeat(EventKind.PolicyErrors, 17);
        const string Text =
            "low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\noom_group_kill 6\n"
            + "forced 7\nkmem_max 8\nkmem_forced 9\nhigh_delays 14\nhigh_deadlines 15\naccounting_errors 10\nreclaim_errors 11\n"
            + "policy_errors 17\n";
        Assert.Equal(Text, group.Files.Read("memory.events"));
        Assert.Equal(Text, group.Files.Read("memory.events.local"));
        Assert.Equal("max 12\nforced 13\nleaked 16\n", group.Files.Read("pins.events"));
        Assert.Equal("8\n", group.Files.Read("memory.kmem.failcnt"));

        void Repeat(EventKind kind, int times)
        {
            for (int i = 0; i < times; i++) group.Count(kind);
        }
    }

    [Fact]
    public void No_event_lacks_a_line()
    {
        foreach (EventKind kind in Enum.GetValues<EventKind>())
        {
            MemoryGroup group = _tree.Middle.CreateChild($"{kind}");
            group.Count(kind);
            Assert.Contains(" 1\n", group.Files.Read("memory.events") + group.Files.Read("pins.events"));
        }
    }

    [Fact]
    public void X10_an_event_shows_once_in_every_group_above_and_locally_in_the_leaf_alone()
    {
        _tree.Leaf.Memory.MaxBytes = 10;
        Assert.False(_tree.Leaf.TryCharge(MemoryKind.User, 11, out _));
        string once = NoEvents.Replace("\nmax 0\n", "\nmax 1\n", StringComparison.Ordinal);
        Assert.Equal(once, _tree.Leaf.Files.Read("memory.events"));
        Assert.Equal(once, _tree.Middle.Files.Read("memory.events"));
        Assert.Equal(once, _tree.Leaf.Files.Read("memory.events.local"));
        Assert.Equal(NoEvents, _tree.Middle.Files.Read("memory.events.local"));
        Assert.DoesNotContain("memory.events", _tree.Root.Files.Names);
    }
}
