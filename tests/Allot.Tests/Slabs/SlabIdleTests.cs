namespace Allot.Tests.Slabs;

/// <summary>What lies idle goes back in time, and so do removed groups.</summary>
public sealed unsafe class SlabIdleTests : IDisposable
{
    private readonly SlabFixture _slabs = new();
    private readonly ManualTime _time = new();

    public void Dispose() => _slabs.Dispose();

    [Fact]
    public void What_is_freed_after_the_timer_has_stopped_is_given_back()
    {
        _slabs.Slabs.StartTrimming(_time);
        List<nint> blocks = [];
        for (int i = 0; i < 20_000; i++) blocks.Add(_slabs.Allocate(_slabs.A, 128));
        Fire(6);
        Assert.False(_slabs.Slabs.IsTrimming);
        foreach (nint block in blocks) _slabs.Free(block);
        Assert.True(_slabs.Slabs.IsTrimming);
        Fire(6);
        Assert.Equal(0, _slabs.BlocksCarved());
        Assert.Equal(0, _slabs.Slabs.Arena.IdleBytes);
        Assert.False(_slabs.Slabs.IsTrimming);
    }

    [Fact]
    public void What_is_released_in_one_step_after_the_timer_has_stopped_is_given_back()
    {
        ObjectCache<Node> cache = MakePrivate();
        _slabs.Slabs.StartTrimming(_time);
        for (int i = 0; i < 3000; i++) _ = cache.Allocate(_slabs.A);
        Fire(6);
        Assert.False(_slabs.Slabs.IsTrimming);
        Assert.Equal(3000 * cache.ObjectBytes, cache.FreeAll(_slabs.A));
        Assert.True(_slabs.Slabs.IsTrimming);
        Fire(6);
        Assert.Equal(0, _slabs.Slabs.Arena.IdleBytes);
    }

    [Theory]
    [InlineData(0), InlineData(1)]
    public void Private_slabs_of_a_removed_group_go_back_at_once(int kept)
    {
        using var other = new TurnThread();
        ObjectCache<Node> cache = MakePrivate();
        cache.Tunables = new ObjectCacheTunables { EmptySlabsKept = kept };
        List<nint> early = [], late = [];
        for (int i = 0; i < 3000; i++) (i % 3 == 0 ? late : early).Add((nint)cache.Allocate(_slabs.A));
        Node* neighbour = cache.Allocate(_slabs.B);
        foreach (nint node in early) cache.Free((Node*)node);
        other.Run(() => cache.Free(cache.Allocate(_slabs.A)));
        Node* last = cache.Allocate(_slabs.A);
        foreach (nint node in late) cache.Free((Node*)node);
        _slabs.A.Remove();
        Assert.Equal(2, cache.ReadStatistics().Slabs);   // of the last one, and of the neighbour
        cache.Free(last);
        Assert.Equal(1, cache.ReadStatistics().Slabs);
        cache.Free(neighbour);
        _slabs.B.Remove();
        Assert.Equal(0, cache.ReadStatistics().Slabs);
        _slabs.AssertNothingLeft();
    }

    [Theory]
    [InlineData(false), InlineData(true)]
    public void A_cache_with_private_slabs_does_not_keep_removed_groups(bool all)
    {
        ObjectCache<Node> cache = MakePrivate();
        Node* kept = null;
        WeakReference[] removed = Make();
        WeakReference[] Make()
        {
            MemoryGroup[] groups = [.. Enumerable.Range(0, 20).Select(i => _slabs.Root.CreateChild($"{i}"))];
            foreach (MemoryGroup group in groups) cache.Free(cache.Allocate(group));
            kept = cache.Allocate(groups[0]);
            foreach (MemoryGroup group in groups) group.Remove();
            return [.. groups.Select(static group => new WeakReference(group))];
        }

        for (int i = 0; i < (all ? 1 : 8); i++) _slabs.Slabs.Trim(all);
        Collect();
        Assert.Equal(1, removed.Count(static group => group.IsAlive));
        cache.Free(kept);
        for (int i = 0; i < (all ? 1 : 8); i++) _slabs.Slabs.Trim(all);
        Collect();
        Assert.DoesNotContain(removed, static group => group.IsAlive);
        Node* next = cache.Allocate(_slabs.A);
        Assert.Equal(1, cache.ReadStatistics(_slabs.A).ActiveObjects);
        cache.Free(next);
        _slabs.AssertNothingLeft();
    }

    [Fact]
    public void Few_removed_groups_of_many_are_forgotten_after_some_passes()
    {
        MemoryGroup[] groups = [.. Enumerable.Range(0, 40).Select(i => _slabs.Root.CreateChild($"{i}"))];
        nint[] blocks = [.. groups.Select(group => _slabs.Allocate(group, 64))];
        _slabs.Free(blocks[0]);
        foreach (MemoryGroup group in groups[..2]) group.Remove();
        int owners = _slabs.Slabs.Owners.Count;
        for (int i = 0; i < 6; i++) _slabs.Slabs.Trim(all: false);
        Assert.Equal(owners - 1, _slabs.Slabs.Owners.Count);
        _slabs.Free(blocks[1]);
        for (int i = 0; i < 6; i++) _slabs.Slabs.Trim(all: false);
        Assert.Equal(owners - 2, _slabs.Slabs.Owners.Count);
        foreach (nint block in blocks[2..]) _slabs.Free(block);
        _slabs.AssertNothingLeft();
    }

    [Fact]
    public void Groups_that_are_removed_after_the_timer_has_stopped_are_forgotten_by_it()
    {
        _slabs.Slabs.StartTrimming(_time);
        nint mine = _slabs.Allocate(_slabs.A, 64), others = _slabs.Allocate(_slabs.B, 64);
        _slabs.Free(others);
        Fire(6);
        Assert.False(_slabs.Slabs.IsTrimming);
        int owners = _slabs.Slabs.Owners.Count;
        _slabs.B.Remove();
        Fire(6);
        Assert.Equal(owners - 1, _slabs.Slabs.Owners.Count);
        Assert.False(_slabs.Slabs.IsTrimming);
        _slabs.Free(mine);
        _slabs.AssertNothingLeft();
    }

    [Theory]
    [InlineData(16), InlineData(128), InlineData(4096), InlineData(100_000)]
    public void Shared_slabs_of_a_removed_group_go_back_with_it(int bytes)
    {
        using var other = new TurnThread();
        int count = Math.Min(20_000, (8 << 20) / bytes);
        nint[] blocks = [.. Enumerable.Range(0, count).Select(_ => _slabs.Allocate(_slabs.A, bytes))];
        nint neighbour = _slabs.Allocate(_slabs.B, 64);
        other.Run(() =>
        {
            foreach (nint block in blocks[(count / 2)..]) _slabs.Free(block);
        });
        foreach (nint block in blocks[..(count / 2)]) _slabs.Free(block);
        Assert.NotEqual(0, CarvedIn(bytes));
        long neighbours = _slabs.Slabs.CountInBins((uint)SizeClasses.IndexOf(64));
        _slabs.A.Remove();
        Assert.Equal(0, CarvedIn(bytes));
        Assert.Equal(neighbours, _slabs.Slabs.CountInBins((uint)SizeClasses.IndexOf(64)));   // nobody took them
        _slabs.Free(neighbour);
        _slabs.AssertNothingLeft();
    }

    [Fact]
    public void Shared_slabs_of_a_removed_group_go_back_with_their_last_block()
    {
        const int Bytes = 128;
        nint[] blocks = [.. Enumerable.Range(0, 5000).Select(_ => _slabs.Allocate(_slabs.A, Bytes))];
        _slabs.A.Remove();
        foreach (nint block in blocks[1..]) _slabs.Free(block);
        SlabClass of = _slabs.Slabs.ClassOf((uint)SizeClasses.IndexOf(Bytes));
        Assert.InRange(of.ReadCounts().Spans, 1, 2);   // that of the last one, and that of who comes next
        _slabs.Free(blocks[0]);
        Assert.Equal(1, of.ReadCounts().Spans);
        _slabs.AssertNothingLeft();
    }

    [Fact]
    public void What_waits_because_groups_go_all_the_time_is_given_back_by_the_timer()
    {
        _slabs.Slabs.StartTrimming(_time);
        for (int i = 0; i < 100; i++)
        {
            MemoryGroup group = _slabs.Root.CreateChild($"{i}");
            _slabs.Free(_slabs.Allocate(group, 64));
            group.Remove();
        }

        Assert.True(_slabs.Slabs.IsTrimming);
        Fire(1);
        Assert.Equal(0, CarvedIn(64));
        Fire(6);
        Assert.False(_slabs.Slabs.IsTrimming);
        _slabs.AssertNothingLeft();
    }

    private long CarvedIn(int bytes) =>
        _slabs.Slabs.ClassOf((uint)SizeClasses.IndexOf((nuint)bytes)).ReadCounts().Carved;

    private ObjectCache<Node> MakePrivate() =>
        new(_slabs.Slabs, "own", new ObjectCacheOptions { HasPrivateSlabs = true }, null);

    private void Fire(int times)
    {
        for (int i = 0; i < times; i++) _time.Fire();
    }

    private static void Collect()
    {
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    private struct Node
    {
        public fixed long Words[12];
    }
}
