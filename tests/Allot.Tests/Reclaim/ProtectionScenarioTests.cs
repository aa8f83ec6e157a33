namespace Allot.Tests.Reclaim;

/// <summary>The kernel's own scenarios for memory.min (M3) and memory.low (M4), with caches for page cache and 1 KiB
/// for 1 MiB. The tree is /a (200) with /a/b (protected 50) with c (75), d (25), e (0), f (500), and /a/g.</summary>
public sealed class ProtectionScenarioTests
{
    private const long Unit = 1 << 10;
    private const long PageBytes = 4;

    private readonly MemoryGroup _b;
    private readonly MemoryGroup _g;
    private readonly MemoryGroup[] _leaves;
    private readonly MemoryController _tree = new();

    public ProtectionScenarioTests()
    {
        MemoryGroup a = _tree.Root.CreateChild("a", new() { MaxBytes = 200 * Unit });
        _b = a.CreateChild("b");
        _g = a.CreateChild("g");
        _leaves = [.. "cdef".Select(name => _b.CreateChild($"{name}"))];
        foreach (MemoryGroup leaf in _leaves[..3])
        {
            // 32 pages, the kernel's smallest piece of work.
            new TestCache(leaf, PageBytes, new ReclaimerOptions { BatchBytes = 32 * PageBytes }).Fill(50 * Unit);
        }
    }

    private MemoryGroup C => _leaves[0];

    [Fact]
    public void M3_min_is_kept_and_shared_in_proportion()
    {
        ProtectMin();
        Allocate(148);
        AssertShared();
    }

    [Fact]
    public void M4_low_is_kept_and_shared_in_proportion_while_there_is_something_else()
    {
        ProtectLow();
        Allocate(148);
        AssertShared();
        Assert.Equal(0, _tree.Root.ReadEvents().Low);
    }

    [Fact]
    public void M3b_beyond_what_min_leaves_is_refused()
    {
        ProtectMin();
        Allocate(148);
        Free(148);
        Assert.Throws<MemoryLimitExceededException>(() => Allocate(170));
        AssertClose(50, _b, 3);
        Assert.Equal(0, _tree.Root.ReadEvents().Low);
    }

    [Fact]
    public void M4b_beyond_what_low_leaves_is_taken_and_counted()
    {
        ProtectLow();
        Allocate(148);
        Free(148);
        Allocate(170);
        AssertClose(30, _b, 3);

        // M4d
        Assert.Equal(0, _tree.Root.ReadEvents().Oom);
        Assert.InRange(_leaves[0].ReadLocalEvents().Low, 1, long.MaxValue);
        Assert.InRange(_leaves[1].ReadLocalEvents().Low, 1, long.MaxValue);
        Assert.Equal(0, _leaves[2].ReadLocalEvents().Low);
        Assert.Equal(0, _leaves[3].ReadLocalEvents().Low);
        Assert.Equal(_leaves.Sum(leaf => leaf.ReadLocalEvents().Low), _tree.Root.ReadEvents().Low);
    }

    [Fact]
    public void M3c_a_target_does_not_protect_itself()
    {
        ProtectMin();
        C.Reclaim(C.Memory.CurrentBytes - (10 * Unit));
        Assert.Equal(10 * Unit, C.Memory.CurrentBytes);
    }

    [Fact]
    public void M4c_a_target_does_not_protect_itself()
    {
        ProtectLow();
        C.Reclaim(C.Memory.CurrentBytes - (10 * Unit));
        Assert.Equal(10 * Unit, C.Memory.CurrentBytes);
        Assert.Equal(0, C.ReadEvents().Low);
    }

    [Fact]
    public void M4d_with_unclaimed_protection_shared_the_others_have_a_part_of_it()
    {
        _tree.SharesUnclaimedProtection = true;
        _b.LowBytes = 90 * Unit;
        C.LowBytes = 30 * Unit;
        Allocate(110);
        AssertClose(90, _b, 3);
        Assert.All(_leaves[1..3], leaf => Assert.InRange(leaf.Memory.CurrentBytes, 20 * Unit, 35 * Unit));
    }

    private void ProtectMin()
    {
        (_b.MinBytes, C.MinBytes, _leaves[1].MinBytes, _leaves[3].MinBytes) = (50 * Unit, 75 * Unit, 25 * Unit, 500 * Unit);
    }

    private void ProtectLow()
    {
        (_b.LowBytes, C.LowBytes, _leaves[1].LowBytes, _leaves[3].LowBytes) = (50 * Unit, 75 * Unit, 25 * Unit, 500 * Unit);
    }

    private void AssertShared()
    {
        AssertClose(50, _b, 3);
        AssertClose(29, _leaves[0], 15);
        AssertClose(21, _leaves[1], 20);
        Assert.InRange(_leaves[2].Memory.CurrentBytes, 0, 2 * Unit);   // /a has room for 52, of which c and d claim 50
        Assert.Equal(0, _leaves[3].Memory.CurrentBytes);
        Assert.Empty(TreeWalk.FindViolations(_tree));
    }

    private void Allocate(long units)
    {
        for (long bytes = 0; bytes < units * Unit; bytes += PageBytes) _g.Charge(MemoryKind.User, PageBytes);
    }

    private void Free(long units) => _g.Uncharge(MemoryKind.User, units * Unit);

    // As the kernel's tests compare: within a percentage of the sum.
    private static void AssertClose(long units, MemoryGroup group, int percent)
    {
        long bytes = group.Memory.CurrentBytes;
        long tolerance = ((units * Unit) + bytes) * percent / 100;
        Assert.InRange(bytes, (units * Unit) - tolerance, (units * Unit) + tolerance);
    }
}
