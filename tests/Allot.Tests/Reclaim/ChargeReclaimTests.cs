namespace Allot.Tests.Reclaim;

/// <summary>A charge that finds no room lets the reclaimers below the limit make some.</summary>
public sealed class ChargeReclaimTests
{
    private readonly TreeOfThree _tree = new(middle: new() { MaxBytes = 10_000 });

    [Fact]
    public void Charge_reclaims_and_TryCharge_does_not()
    {
        using TestCache cache = new TestCache(_tree.Leaf).Fill(10_000);
        Assert.False(_tree.Leaf.TryCharge(MemoryKind.User, 100, out _));
        Assert.Empty(cache.Asked);

        _tree.Leaf.Charge(MemoryKind.User, 100);
        Assert.InRange(cache.HeldBytes, 8_000, 9_900);
        Assert.Equal(2, _tree.Middle.ReadLocalEvents().MemoryMax);
        _tree.Leaf.Uncharge(MemoryKind.User, 100);
    }

    [Fact]
    public void A_small_cache_is_not_emptied_for_a_small_charge()
    {
        using TestCache cache = new TestCache(_tree.Leaf, entryBytes: 100).Fill(10_000);
        _tree.Leaf.Charge(MemoryKind.User, 1);
        Assert.InRange(cache.HeldBytes, 9_000, 9_900);
    }

    [Fact]
    public void Caches_outside_of_the_limit_are_left_alone()
    {
        using TestCache outside = new TestCache(_tree.Root.CreateChild("outside")).Fill(1_000);
        using TestCache inside = new TestCache(_tree.Leaf).Fill(10_000);
        _tree.Leaf.Charge(MemoryKind.User, 100);
        Assert.Empty(outside.Asked);
    }

    [Fact]
    public void What_can_never_fit_takes_nothing_from_anybody()
    {
        using TestCache cache = new TestCache(_tree.Leaf).Fill(10_000);
        Assert.Throws<MemoryLimitExceededException>(() => _tree.Leaf.Charge(MemoryKind.User, 10_001));
        Assert.Equal(10_000, cache.HeldBytes);
    }

    [Fact]
    public void When_nothing_can_be_reclaimed_the_refusal_explains()
    {
        _tree.Leaf.Charge(MemoryKind.User, 10_000);
        ChargeRefusal refusal = Assert.Throws<MemoryLimitExceededException>(
            () => _tree.Leaf.Charge(MemoryKind.User, 1)).Refusal;
        Assert.Equal(_tree.Middle, refusal.Limiter);
        Assert.Equal(2, _tree.Middle.ReadLocalEvents().MemoryMax);   // refused, and tried once more
    }

    [Fact]
    public void A_charge_as_large_as_the_limit_empties_the_cache()
    {
        using TestCache cache = new TestCache(_tree.Leaf).Fill(10_000);
        _tree.Leaf.Charge(MemoryKind.User, 10_000);
        Assert.Equal(0, cache.HeldBytes);
    }

    [Fact]
    public void Above_a_limit_that_was_lowered_it_reclaims_down_to_it()
    {
        using TestCache cache = new TestCache(_tree.Leaf).Fill(10_000);
        _tree.Middle.Memory.MaxBytes = 1_000;
        _tree.Leaf.Charge(MemoryKind.User, 500);
        Assert.InRange(_tree.Middle.Memory.CurrentBytes, 500, 1_000);
    }

    [Fact]
    public void One_limit_after_the_other_is_made_room_below()
    {
        var tree = new TreeOfThree(root: new() { MaxBytes = 10_000 }, leaf: new() { MaxBytes = 1_000 });
        using TestCache inner = new TestCache(tree.Leaf).Fill(1_000);
        using TestCache outer = new TestCache(tree.Middle).Fill(9_000);
        tree.Leaf.Charge(MemoryKind.User, 600);
        Assert.InRange(inner.HeldBytes, 0, 400);
        Assert.InRange(tree.Root.Memory.CurrentBytes, 600, 10_000);
    }

    [Fact]
    public void A_charge_to_a_removed_group_asks_nobody()
    {
        using TestCache cache = new TestCache(_tree.Middle).Fill(10_000);
        _tree.Leaf.Remove();
        Assert.Throws<MemoryLimitExceededException>(() => _tree.Leaf.Charge(MemoryKind.User, 1));
        Assert.Empty(cache.Asked);
    }

    [Fact]
    public void For_kernel_memory_only_those_that_give_kernel_memory_are_asked()
    {
        _tree.Middle.Kernel.MaxBytes = 1_000;
        using TestCache user = new TestCache(_tree.Leaf, 1, new() { Kind = MemoryKind.User }).Fill(5_000);
        using var kernel = new TestCache(_tree.Leaf, 1, new() { Kind = MemoryKind.Kernel }, MemoryKind.Kernel);
        kernel.Fill(1_000);
        _tree.Leaf.Charge(MemoryKind.Kernel, 100);
        Assert.Empty(user.Asked);
        Assert.InRange(kernel.HeldBytes, 0, 900);

        _tree.Leaf.Charge(MemoryKind.User, 4_500);   // all memory is full: now both are
        Assert.NotEmpty(user.Asked);
        Assert.Equal(0, _tree.Root.ReadEvents().ReclaimErrors);
    }

    [Fact]
    public void One_that_does_not_say_its_kind_is_asked_for_kernel_memory_until_it_gives_user_memory()
    {
        _tree.Middle.Kernel.MaxBytes = 1_000;
        using TestCache user = new TestCache(_tree.Leaf).Fill(5_000);
        using var kernel = new TestCache(_tree.Leaf, 1, options: null, MemoryKind.Kernel);
        kernel.Fill(1_000);
        _tree.Leaf.Charge(MemoryKind.Kernel, 100);
        Assert.InRange(kernel.HeldBytes, 0, 900);

        kernel.Fill(900);
        int asked = user.Asked.Count;
        long held = user.HeldBytes;
        _tree.Leaf.Charge(MemoryKind.Kernel, 100);
        Assert.Equal(asked, user.Asked.Count);
        Assert.Equal(held, user.HeldBytes);
        Assert.Equal(0, _tree.Root.ReadEvents().ReclaimErrors);
    }

    [Fact]
    public void User_memory_given_back_as_kernel_memory_counts_for_nothing()
    {
        _tree.Middle.Kernel.MaxBytes = 1_000;
        using TestCache wrong = new TestCache(_tree.Leaf, 1, new() { Kind = MemoryKind.Kernel }).Fill(5_000);
        _tree.Leaf.Charge(MemoryKind.Kernel, 1_000);
        Assert.Throws<MemoryLimitExceededException>(() => _tree.Leaf.Charge(MemoryKind.Kernel, 1));
        Assert.InRange(_tree.Leaf.ReadLocalEvents().ReclaimErrors, 1, long.MaxValue);
    }

    [Fact]
    public void What_the_context_forbids_is_not_called()
    {
        using TestCache plain = new TestCache(_tree.Leaf).Fill(100);
        var needy = new Needy(_tree.Leaf, ReclaimNeeds.Io | ReclaimNeeds.Blocking);
        using IDisposable registration = _tree.Leaf.Register(needy);
        needy.Charge(1_000);
        _tree.Leaf.Charge(MemoryKind.User, 8_900);

        var noIo = new ReclaimContext(ReclaimNeeds.Io | ReclaimNeeds.FileSystem);
        Assert.Equal(100, _tree.Middle.ReclaimForCharge(500, noIo));
        Assert.Equal(0, _tree.Middle.ReclaimForCharge(500, noIo));
        Assert.False(needy.WasCalled);
        Assert.InRange(_tree.Middle.ReclaimForCharge(500, new ReclaimContext(ReclaimNeeds.FileSystem)), 400, 1_000);
        Assert.True(needy.WasCalled);
    }

    [Fact]
    public void A_charge_inside_a_reclaimer_does_not_reclaim()
    {
        using TestCache other = new TestCache(_tree.Root.CreateChild("other", new() { MaxBytes = 100 })).Fill(100);
        using TestCache cache = new TestCache(_tree.Leaf).Fill(10_000);
        int inside = 0;
        cache.Instead = (group, target) =>
        {
            inside++;
            Assert.True(ReclaimScope.IsReclaiming);
            Assert.Equal(0, _tree.Root.Reclaim(100));
            MemoryGroup full = _tree.Controller.Find("/other")!;
            Assert.False(full.TryCharge(MemoryKind.User, 1, out _));
            full.Charge(MemoryKind.User, 1);   // from the reserve
            full.Uncharge(MemoryKind.User, 1);
            return cache.Free(target);
        };
        _tree.Leaf.Charge(MemoryKind.User, 100);
        Assert.False(ReclaimScope.IsReclaiming);
        Assert.NotEqual(0, inside);
        Assert.Empty(other.Asked);
        Assert.Equal(0, _tree.Root.ReadEvents().ReclaimErrors);   // no assertion failed in there
    }

    [Fact]
    public void The_mark_ends_with_a_reclaimer_that_throws()
    {
        using TestCache cache = new TestCache(_tree.Leaf).Fill(10_000);
        cache.Instead = (_, _) => throw new InvalidOperationException("broken");
        Assert.Throws<MemoryLimitExceededException>(() => _tree.Leaf.Charge(MemoryKind.User, 1));
        Assert.False(ReclaimScope.IsReclaiming);
    }

    [Fact]
    public void Min_is_refused_rather_than_reclaimed_and_low_is_reclaimed_rather_than_refused()
    {
        using TestCache cache = new TestCache(_tree.Leaf).Fill(10_000);
        _tree.Leaf.MinBytes = 10_000;
        MemoryGroup sibling = _tree.Middle.CreateChild("s");
        Assert.Throws<MemoryLimitExceededException>(() => sibling.Charge(MemoryKind.User, 100));
        Assert.Equal(10_000, cache.HeldBytes);

        (_tree.Leaf.MinBytes, _tree.Leaf.LowBytes) = (5_000, 10_000);
        sibling.Charge(MemoryKind.User, 100);
        Assert.Equal(1, _tree.Leaf.ReadLocalEvents().Low);
        sibling.Charge(MemoryKind.User, 4_900);
        Assert.Equal(5_000, cache.HeldBytes);
        Assert.Throws<MemoryLimitExceededException>(() => sibling.Charge(MemoryKind.User, 1));
        Assert.Equal(5_000, cache.HeldBytes);
    }

    private sealed class Needy(MemoryGroup group, ReclaimNeeds needs) : IReclaimer
    {
        private long _held;

        public bool WasCalled { get; private set; }

        public ReclaimNeeds Needs => needs;

        public void Charge(long bytes)
        {
            group.Charge(MemoryKind.User, bytes);
            _held += bytes;
        }

        public long CountBytes(MemoryGroup ofGroup)
        {
            WasCalled = true;
            return _held;
        }

        public long Reclaim(MemoryGroup ofGroup, long targetBytes)
        {
            long bytes = Math.Min(targetBytes, _held);
            _held -= bytes;
            group.Uncharge(MemoryKind.User, bytes);
            return bytes;
        }
    }
}
