namespace Allot.Tests.Slabs;

/// <summary>What the accounting of slabs in Linux did from the beginning, and has to be true here too: when caches come
/// into being, and who pays for the bookkeeping.</summary>
/// <remarks>
/// The rest of it, and where it is tested:
/// <list type="bullet">
/// <item>a dead group's empty slabs are given back without waiting:
/// <see cref="SlabIdleTests.Private_slabs_of_a_removed_group_go_back_at_once"/>;</item>
/// <item>shrink: <see cref="ObjectCacheTests.Shrink_gives_back_what_is_empty_and_nothing_else"/>;</item>
/// <item>tunables set on a cache propagate to all its parts, now and later:
/// <see cref="SlabInfoTests.A_change_reaches_all_parts_now_and_later"/>;</item>
/// <item>slabinfo adds up all groups, and a view shows the part of one:
/// <see cref="SlabInfoTests.A_line_adds_up_all_groups_and_a_group_sees_its_part"/>;</item>
/// <item>a region can be exempted from accounting, and the exemption nests: <see
/// cref="SlabAllocatorTests.Inside_of_blocked_accounting_nobody_pays_and_what_was_charged_before_is_given_back"/>.</item>
/// </list>
/// </remarks>
public sealed unsafe class SlabBookkeepingTests : IDisposable
{
    private readonly SlabFixture _slabs = new();

    public void Dispose() => _slabs.Dispose();

    [Fact]
    public void Caches_are_created_on_first_touch()
    {
        MemoryGroup[] groups = [.. Enumerable.Range(0, 50).Select(i => _slabs.Root.CreateChild($"g{i}"))];
        long used = _slabs.Slabs.Arena.UsedBytes;
        ObjectCache<Node> shared = Make("shared"), own = Make("own", isPrivate: true);
        Assert.Equal(used, _slabs.Slabs.Arena.UsedBytes);
        Assert.Equal(0, shared.ReadStatistics().Slabs + own.ReadStatistics().Slabs);
        Assert.Equal(0, ClassesOf(own));
        Assert.DoesNotContain("own", SlabInfo.Read(_slabs.Slabs, null));

        Node* first = own.Allocate(groups[7]);
        Assert.Equal(1, ClassesOf(own));
        Assert.Equal(1, own.ReadStatistics(groups[7]).Slabs);
        Assert.Equal(1, _slabs.Slabs.Owners.Count);   // the other groups are not even known
        foreach (MemoryGroup group in groups) Assert.Equal(group == groups[7] ? 1 : 0, own.ReadStatistics(group).Slabs);
        Assert.Equal(0, shared.ReadStatistics().Slabs);

        own.Free(own.Allocate(groups[7]));   // nor is anything created twice
        own.Free(own.Allocate(groups[8]));
        Assert.Equal(2, ClassesOf(own));
        own.Free(first);
        _slabs.AssertNothingLeft();
    }

    [Theory]
    [InlineData(MemoryKind.User)]
    [InlineData(MemoryKind.Kernel)]
    public void The_bookkeeping_never_charges_itself(MemoryKind kind)
    {
        // Each group has room for its one block and for not a byte more, and is the current one. Behind these blocks are
        // a heap and bins for each thread, magazines, numbers of owners, and an owner for each block of a mixed unit.
        const int Tenants = 300, BlockBytes = 48;
        var limits = new MemoryGroupOptions { MaxBytes = BlockBytes, KernelMaxBytes = BlockBytes };
        MemoryGroup[] groups = [.. Enumerable.Range(0, Tenants).Select(i => _slabs.Root.CreateChild($"g{i}", limits))];
        var blocks = new nint[Tenants];
        long used = _slabs.Slabs.Arena.UsedBytes;
        for (int t = 0; t < Tenants; t += 100)
        {
            using var thread = new TurnThread();
            thread.Run(() =>
            {
                for (int i = t; i < t + 100; i++)
                {
                    using ActiveGroupScope scope = groups[i].Enter();
                    blocks[i] = _slabs.Allocate(groups[i], BlockBytes, kind);
                    Assert.Equal(BlockBytes, groups[i].Memory.CurrentBytes);
                    Assert.Equal(kind == MemoryKind.Kernel ? BlockBytes : 0, groups[i].Kernel.CurrentBytes);
                    Assert.True(_slabs.For(groups[i], kind).TryAllocate(1, out _) == null);
                }
            });
        }

        Assert.True(_slabs.Slabs.Arena.UsedBytes > used + (Tenants * BlockBytes), "There is bookkeeping.");
        Assert.Equal(Tenants * BlockBytes, _slabs.Root.Memory.CurrentBytes);
        foreach (nint block in blocks) _slabs.Free(block);
        _slabs.AssertNothingLeft();
    }

    [Fact]
    public void A_charge_inside_of_a_charge_does_not_begin_anew()
    {
        var reclaimer = new Allocating(_slabs);
        using IDisposable registration = _slabs.A.Register(reclaimer);
        _slabs.A.Memory.MaxBytes = 100;
        nint first = _slabs.Allocate(_slabs.A, 64);
        using var thread = new TurnThread();   // which needs a heap, in the middle of it
        thread.Run(() => Assert.Throws<MemoryLimitExceededException>(() => _slabs.Allocate(_slabs.A, 64)));
        Assert.True(reclaimer.Calls > 0);
        Assert.Equal(1, reclaimer.DeepestCall);
        _slabs.Free(first);
        _slabs.AssertNothingLeft();
    }

    private ObjectCache<Node> Make(string name, bool isPrivate = false) =>
        new(_slabs.Slabs, name, new ObjectCacheOptions { HasPrivateSlabs = isPrivate }, null);

    private int ClassesOf(ObjectCache<Node> cache)
    {
        int classes = 0;
        for (uint i = SizeClasses.Count; _slabs.Slabs.TryClassOf(i) is { } one; i++)
        {
            if (one.Cache!.Name == cache.Name) classes++;
        }

        return classes;
    }

    // Allocates for the group that it is to free memory of.
    private sealed class Allocating(SlabFixture slabs) : IReclaimer
    {
        private int _depth;

        public int Calls { get; private set; }

        public int DeepestCall { get; private set; }

        public ReclaimNeeds Needs => ReclaimNeeds.None;

        public long CountBytes(MemoryGroup group) => 1000;

        public long Reclaim(MemoryGroup group, long targetBytes)
        {
            Calls++;
            DeepestCall = Math.Max(DeepestCall, ++_depth);
            Assert.True(slabs.For(group).TryAllocate(64, out _) == null);
            slabs.Free((nint)slabs.For(group).Allocate(64));   // passes the limit rather than to reclaim again
            _depth--;
            return 0;
        }
    }

    private struct Node
    {
        public fixed long Words[12];
    }
}
