namespace Allot.Tests.Slabs;

/// <summary>The text of all caches, and what can be changed of a cache.</summary>
public sealed unsafe class SlabInfoTests : IDisposable
{
    private readonly SlabFixture _slabs = new();

    public void Dispose() => _slabs.Dispose();

    [Fact]
    public void A_line_adds_up_all_groups_and_a_group_sees_its_part()
    {
        ObjectCache<Node> shared = Make("shared nodes", isPrivate: false), own = Make("own", isPrivate: true);
        for (int i = 0; i < 30; i++)
        {
            MemoryGroup group = i % 3 == 0 ? _slabs.A : _slabs.B;
            _ = shared.Allocate(group);
            _ = own.Allocate(group);
            _slabs.Allocate(group, 64);
        }

        string all = SlabInfo.Read(_slabs.Slabs, group: null), ofA = SlabInfo.Read(_slabs.Slabs, _slabs.A);
        Assert.StartsWith("slabinfo - version: 2.1\n# name", all, StringComparison.Ordinal);
        foreach (string name in (string[])["shared_nodes", "own", "allot-64"])
        {
            Assert.Equal(30, ActiveOf(all, name));
            Assert.Equal(10, ActiveOf(ofA, name));
        }

        Assert.Equal(16, LineOf(all, "own").Length);
        Assert.Equal(2, all.Split('\n').Count(static line => line.StartsWith("own ", StringComparison.Ordinal)) + 1);
        Assert.DoesNotContain("allot-128", all);
    }

    [Theory]
    [InlineData(false, 0), InlineData(true, 2)]
    public void A_group_sees_the_slabs_that_are_its_own(bool isPrivate, int slabsOfA)
    {
        ObjectCache<Node> cache = Make("nodes", isPrivate);
        int each = cache.ReadStatistics().ObjectsPerSlab + 1;
        for (int i = 0; i < each; i++) _ = cache.Allocate(_slabs.A);
        for (int i = 0; i < 2 * each; i++) _ = cache.Allocate(_slabs.B);
        string[] ofA = LineOf(SlabInfo.Read(_slabs.Slabs, _slabs.A), "nodes");
        ObjectCacheStatistics part = cache.ReadStatistics(_slabs.A);
        Assert.Equal(slabsOfA, part.Slabs);
        Assert.Equal(isPrivate ? slabsOfA * part.ObjectsPerSlab : each, part.TotalObjects);
        Assert.Equal($"{each} {part.TotalObjects}", string.Join(' ', ofA[1..3]));
        Assert.Equal($"{slabsOfA} {slabsOfA}", string.Join(' ', ofA[13..15]));
        if (!isPrivate) return;
        Assert.Equal(each * cache.ObjectBytes, cache.FreeAll(_slabs.A));
        Assert.DoesNotContain("nodes ", SlabInfo.Read(_slabs.Slabs, _slabs.A));
    }

    [Fact]
    public void A_change_reaches_all_parts_now_and_later()
    {
        ObjectCache<Node> cache = Make("own", isPrivate: true);
        _ = cache.Allocate(_slabs.A);
        cache.Tunables = new ObjectCacheTunables { BatchesKept = 3, EmptySlabsKept = 2 };
        _ = cache.Allocate(_slabs.B);
        int parts = 0;
        for (uint i = SizeClasses.Count; _slabs.Slabs.TryClassOf(i) is { } part; i++, parts++)
        {
            Assert.Equal((3, 2), part.Tuning);
        }

        Assert.Equal(2, parts);
        Assert.Equal(3, cache.Tunables.BatchesKept);
        Assert.Throws<ArgumentOutOfRangeException>(() => cache.Tunables = new() { BatchesKept = -1 });
        Assert.Throws<ArgumentOutOfRangeException>(() => cache.Tunables = new() { EmptySlabsKept = -1 });
    }

    [Fact]
    public void Empty_slabs_are_kept_as_many_as_were_asked_for()
    {
        ObjectCache<Node> cache = Make("nodes", isPrivate: false);
        cache.Tunables = new ObjectCacheTunables { BatchesKept = 0, EmptySlabsKept = 2 };
        List<nint> nodes = [];
        for (int i = 0; i < 10 * cache.ReadStatistics().ObjectsPerSlab; i++) nodes.Add((nint)cache.Allocate(_slabs.A));
        foreach (nint node in nodes) cache.Free((Node*)node);
        Assert.InRange(cache.ReadStatistics().Slabs, 2, 6);   // two magazines of this thread may hold back some
        Assert.Equal(0, _slabs.Slabs.Validate());
        cache.Shrink();
        Assert.Equal(0, cache.ReadStatistics().Slabs);
        _slabs.AssertNothingLeft();
    }

    [Fact]
    public void Private_slabs_of_a_group_are_released_in_one_step()
    {
        ObjectCache<Node> cache = Make("own", isPrivate: true);
        for (int i = 0; i < 3000; i++) _ = cache.Allocate(i % 2 == 0 ? _slabs.A : _slabs.B);
        using (AllocationScope.BlockAccounting()) _ = cache.Allocate(_slabs.A);
        _slabs.A.Remove();
        Assert.Equal(1501 * cache.ObjectBytes, cache.FreeAll(_slabs.A));
        Assert.Equal(1500 * cache.ObjectBytes, _slabs.Root.Memory.CurrentBytes);
        Assert.Equal(1500, _slabs.Slabs.Validate());
        Assert.Equal(1500 * cache.ObjectBytes, cache.FreeAll(_slabs.B));
        Assert.Equal(0, cache.FreeAll(_slabs.B));
        Assert.Equal(0, _slabs.B.ReadEvents().AccountingErrors);
        Node* again = cache.Allocate(_slabs.B);
        cache.Free(again);
        _slabs.AssertNothingLeft();
        Assert.Throws<InvalidOperationException>(() => Make("shared", isPrivate: false).FreeAll(_slabs.B));
    }

    [Fact]
    public void The_timer_runs_only_while_there_is_something_to_give_back()
    {
        var time = new ManualTime();
        _slabs.Slabs.StartTrimming(time);
        _slabs.Free(_slabs.Allocate(_slabs.A, 64));
        Assert.True(_slabs.Slabs.IsTrimming);
        for (int i = 0; i < 6; i++) time.Fire();
        Assert.False(_slabs.Slabs.IsTrimming);
        Assert.Equal(0, time.RunningTimers);
        nint block = _slabs.Allocate(_slabs.A, 64);
        Assert.Equal(1, time.RunningTimers);
        for (int i = 0; i < 6; i++) time.Fire();
        Assert.Equal(0, time.RunningTimers);   // what is in use is not idle
        _slabs.Free(block);
        _slabs.AssertNothingLeft();
    }

    private ObjectCache<Node> Make(string name, bool isPrivate) =>
        new(_slabs.Slabs, name, new ObjectCacheOptions { HasPrivateSlabs = isPrivate }, null);

    private static string[] LineOf(string text, string name) => text.Split('\n')
        .Select(static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .Single(words => words.Length > 0 && words[0] == name);

    private static int ActiveOf(string text, string name) =>
        int.Parse(LineOf(text, name)[1], System.Globalization.CultureInfo.InvariantCulture);

    private struct Node
    {
        public fixed long Words[12];
    }
}
