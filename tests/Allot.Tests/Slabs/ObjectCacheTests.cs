using System.Collections.Concurrent;

namespace Allot.Tests.Slabs;

/// <summary>Caches of objects: charged, constructed once, shrunk, removed.</summary>
public sealed unsafe class ObjectCacheTests : IDisposable
{
    private readonly SlabFixture _slabs = new();

    public void Dispose() => _slabs.Dispose();

    [Fact]
    public void An_object_is_charged_as_kernel_memory_unless_the_cache_says_otherwise()
    {
        ObjectCache<Node> kernel = Make("nodes"), user = Make("values", new() { Kind = MemoryKind.User });
        Node* first = kernel.Allocate(_slabs.A), second = user.Allocate(_slabs.A);
        Assert.Equal(kernel.ObjectBytes, _slabs.A.Kernel.CurrentBytes);
        Assert.Equal(kernel.ObjectBytes + user.ObjectBytes, _slabs.A.Memory.CurrentBytes);
        kernel.Free(first);
        user.Free(second);
        AssertNothingLeft(kernel, user);
    }

    [Fact]
    public void A_limit_of_kernel_memory_refuses_the_next_object()
    {
        ObjectCache<Node> cache = Make("nodes");
        _slabs.A.Kernel.MaxBytes = 10 * cache.ObjectBytes;
        List<nint> nodes = [];
        for (int i = 0; i < 10; i++) nodes.Add((nint)cache.Allocate(_slabs.A));
        Assert.True(cache.TryAllocate(_slabs.A, out ChargeRefusal refusal) == null);
        Assert.Equal(_slabs.A, refusal.Limiter);
        Assert.Throws<MemoryLimitExceededException>(() => (nint)cache.Allocate(_slabs.A));
        Node* other = cache.Allocate(_slabs.B);   // a neighbour goes on
        cache.Free(other);
        foreach (nint node in nodes) cache.Free((Node*)node);
        AssertNothingLeft(cache);
    }

    [Theory]
    [InlineData(1), InlineData(64), InlineData(4096)]
    public void Objects_are_aligned(int alignment)
    {
        ObjectCache<Node> plain = Make("plain", new() { AlignmentBytes = alignment });
        ObjectCache<Node> constructed = Make("constructed", new() { AlignmentBytes = alignment }, static (ref Node _) => { });
        for (int i = 0; i < 50; i++)
        {
            Assert.Equal(0, (nint)plain.Allocate(_slabs.A) % Math.Max(16, alignment));
            Assert.Equal(0, (nint)constructed.Allocate(_slabs.A) % Math.Max(16, alignment));
        }
    }

    [Fact]
    public void A_constructor_runs_once_for_the_memory_and_the_object_comes_back_as_it_was_freed()
    {
        int constructed = 0;
        ObjectCache<Node> cache = Make("nodes", null, (ref Node node) =>
        {
            Assert.Equal(0, node.Number);
            node.Number = 7;
            constructed++;
        });
        Node* node = cache.Allocate(_slabs.A);
        Assert.Equal(7, node->Number);
        node->Number = 8;
        cache.Free(node);
        Node* again = cache.Allocate(_slabs.A);
        Assert.Equal((nint)node, (nint)again);
        Assert.Equal(8, again->Number);
        Assert.Equal(1, constructed);
        cache.Free(again);
        AssertNothingLeft(cache);

        // The slab was given back, so this is new memory.
        Node* next = cache.Allocate(_slabs.A);
        Assert.Equal(7, next->Number);
        Assert.Equal(2, constructed);
        cache.Free(next);
    }

    [Fact]
    public void A_constructor_that_throws_leaves_nothing_charged()
    {
        ObjectCache<Node> cache = Make("nodes", null, static (ref Node _) => throw new NotSupportedException());
        Assert.Throws<NotSupportedException>(() => (nint)cache.Allocate(_slabs.A));
        AssertNothingLeft(cache);
    }

    [Fact]
    public void Statistics_add_up_all_groups_and_show_the_part_of_each()
    {
        ObjectCache<Node> cache = Make("nodes");
        List<nint> nodes = [];
        for (int i = 0; i < 300; i++) nodes.Add((nint)cache.Allocate(i % 3 == 0 ? _slabs.B : _slabs.A));
        ObjectCacheStatistics all = cache.ReadStatistics();
        Assert.Equal("nodes", all.Name);
        Assert.Equal(300, all.ActiveObjects);
        Assert.Equal(all.Slabs * all.ObjectsPerSlab, all.TotalObjects);
        Assert.Equal(_slabs.Root.Kernel.CurrentBytes, all.ActiveBytes);
        Assert.Equal(200, cache.ReadStatistics(_slabs.A).ActiveObjects);
        Assert.Equal(100, cache.ReadStatistics(_slabs.B).ActiveObjects);
        Assert.Equal(0, cache.ReadStatistics(_slabs.Root).ActiveObjects);
        foreach (nint node in nodes) cache.Free((Node*)node);
        Assert.Equal(0, cache.ReadStatistics().ActiveObjects);
        AssertNothingLeft(cache);
    }

    [Fact]
    public void Shrink_gives_back_what_is_empty_and_nothing_else()
    {
        ObjectCache<Node> cache = Make("nodes");
        List<nint> nodes = [];
        while (cache.ReadStatistics().Slabs < 4) nodes.Add((nint)cache.Allocate(_slabs.A));
        nint kept = nodes[0];
        foreach (nint node in nodes[1..]) cache.Free((Node*)node);
        Assert.True(cache.Shrink() > 0);
        Assert.Equal(1, cache.ReadStatistics().Slabs);
        ((Node*)kept)->Number = 1;
        cache.Free((Node*)kept);
        Assert.Equal(cache.ReadStatistics().SlabBytes, cache.Shrink());
        Assert.Equal(0, cache.ReadStatistics().TotalObjects);
    }

    [Fact]
    public void Private_slabs_are_never_shared()
    {
        ObjectCache<Node> cache = Make("nodes", new() { HasPrivateSlabs = true });
        List<(nint Node, bool IsA)> nodes = [];
        for (int i = 0; i < 300; i++) nodes.Add(((nint)cache.Allocate(i % 2 == 0 ? _slabs.A : _slabs.B), i % 2 == 0));
        var units = nodes.ToLookup(one => one.Node >> 16, one => one.IsA);
        Assert.All(units, unit => Assert.Single(unit.Distinct()));
        Assert.Equal(150, cache.ReadStatistics(_slabs.A).ActiveObjects);
        Assert.True(cache.ReadStatistics(_slabs.A).Slabs > 0);
        foreach ((nint node, _) in nodes) cache.Free((Node*)node);
        AssertNothingLeft(cache);
    }

    [Fact]
    public void The_private_class_of_a_removed_group_goes_to_the_next_one()
    {
        ObjectCache<Node> cache = Make("nodes", new() { HasPrivateSlabs = true });
        for (int i = 0; i < 100; i++)
        {
            MemoryGroup group = _slabs.Root.CreateChild("g");
            Node* node = cache.Allocate(group);
            group.Remove();
            cache.Free(node);
        }

        Assert.Equal(0, cache.ReadStatistics().Slabs);   // nobody comes back for the last one
        Assert.NotNull(_slabs.Slabs.TryClassOf(SizeClasses.Count));
        Assert.Null(_slabs.Slabs.TryClassOf(SizeClasses.Count + 1));
        AssertNothingLeft(cache);
    }

    [Fact]
    public void A_cache_with_objects_in_use_is_not_removed_and_a_removed_one_is_not_used()
    {
        ObjectCache<Node> cache = Make("nodes");
        Node* node = cache.Allocate(_slabs.A);
        Assert.Contains("1 of its objects", Assert.Throws<InvalidOperationException>(cache.Remove).Message);
        cache.Free(node);
        cache.Remove();
        cache.Remove();
        ObjectDisposedException error =
            Assert.Throws<ObjectDisposedException>(() => (nint)cache.Allocate(_slabs.A));
        Assert.Contains($"'{cache.Name}' was removed", error.Message, StringComparison.Ordinal);
        Assert.Throws<CorruptionException>(() => cache.Free(node));
        AssertNothingLeft(cache);
    }

    // What a trim has in its hands between a thread and the spans is in no count, and in nobody's use.
    [Theory]
    [InlineData(false), InlineData(true)]
    public void An_empty_cache_is_removed_while_others_trim(bool hasPrivateSlabs)
    {
        const int Caches = 500, Objects = 300;
        bool ends = false;
        var trims = new Thread(() =>
        {
            while (!Volatile.Read(ref ends)) _slabs.Slabs.Trim(all: true);
        });
        trims.Start();
        try
        {
            for (int i = 0; i < Caches; i++)
            {
                ObjectCache<Node> cache = Make("nodes", new() { HasPrivateSlabs = hasPrivateSlabs });
                var nodes = new nint[Objects];
                for (int j = 0; j < Objects; j++) nodes[j] = (nint)cache.Allocate(_slabs.A);
                foreach (nint node in nodes) cache.Free((Node*)node);
                cache.Remove();
            }
        }
        finally
        {
            Volatile.Write(ref ends, true);
            trims.Join();
        }

        AssertNothingLeft();
    }

    // Whoever gets an object while the cache is being removed has it before: then the removal is refused.
    [Theory]
    [InlineData(false), InlineData(true)]
    public void A_cache_that_was_removed_has_handed_out_nothing(bool hasPrivateSlabs)
    {
        const int Threads = 2, Caches = 100;
        ConcurrentQueue<Exception> failures = new();
        var caches = new ObjectCache<Node>[Caches];
        for (int i = 0; i < Caches; i++) caches[i] = Make($"{i}", new() { HasPrivateSlabs = hasPrivateSlabs });
        MemoryGroup[] groups = [.. Enumerable.Range(0, Threads * 2).Select(i => _slabs.Root.CreateChild($"{i}"))];
        int at = 0;
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(i => new Thread(() =>
        {
            int round = 0;
            try
            {
                for (int cache; (cache = Volatile.Read(ref at)) < Caches;) UseOnce(caches[cache], i, round++);
            }
            catch (Exception failure)
            {
                failures.Enqueue(failure);
            }
        }))];
        foreach (Thread one in threads) one.Start();
        while (at < Caches && failures.IsEmpty)
        {
            try
            {
                caches[at].Remove();
                Interlocked.Increment(ref at);
            }
            catch (InvalidOperationException)
            {
                Thread.Yield();   // one is in use
            }
        }

        Volatile.Write(ref at, Caches);
        foreach (Thread one in threads) one.Join();
        Assert.Empty(failures);
        AssertNothingLeft(caches);

        void UseOnce(ObjectCache<Node> cache, int thread, int round)
        {
            Node* node;
            try
            {
                node = cache.Allocate(groups[thread + (round % 2 * Threads)]);
            }
            catch (ObjectDisposedException)
            {
                return;
            }

            node->Number = thread;
            Thread.Yield();
            Assert.Equal(thread, node->Number);
            cache.Free(node);
            for (int i = 0; i < 10; i++) Thread.Yield();   // so that a removal has a chance
        }
    }

    [Theory]
    [InlineData(false), InlineData(true)]
    public void What_a_removed_cache_had_is_for_the_next_one(bool hasPrivateSlabs)
    {
        for (int i = 0; i < 100; i++)
        {
            ObjectCache<Node> cache = Make("nodes", new() { HasPrivateSlabs = hasPrivateSlabs });
            Node* first = cache.Allocate(_slabs.A), second = cache.Allocate(_slabs.B);
            cache.Free(first);
            cache.Free(second);
            cache.Remove();
            Assert.Equal(0, cache.ReadStatistics(_slabs.A).ActiveObjects);
        }

        Assert.NotNull(_slabs.Slabs.TryClassOf(SizeClasses.Count));
        Assert.Null(_slabs.Slabs.TryClassOf(SizeClasses.Count + 2));
        _slabs.AssertNothingLeft();
    }

    [Fact]
    public void A_removed_cache_does_not_touch_the_one_that_has_its_place()
    {
        ObjectCache<Node> old = Make("old");
        Node* node = old.Allocate(_slabs.A);
        old.Free(node);
        old.Remove();
        ObjectCache<Node> next = Make("next");
        Node* nexts = next.Allocate(_slabs.A);
        Assert.Equal((nint)node, (nint)nexts);
        Assert.Contains("'next'", Assert.Throws<CorruptionException>(() => old.Free(node)).Message);
        Assert.Throws<ObjectDisposedException>(() => (nint)old.Allocate(_slabs.A));
        Assert.Equal(0, old.Shrink());
        Assert.Equal(0, old.ReadStatistics().ActiveObjects);
        Assert.Equal(1, next.ReadStatistics().ActiveObjects);
        next.Free(nexts);
        AssertNothingLeft(next);
    }

    [Fact]
    public void A_thousand_groups_have_private_slabs_each_and_leave_them_to_the_next()
    {
        const int Groups = 1000;
        using var other = new TurnThread();
        ObjectCache<Node> cache = Make("nodes", new() { HasPrivateSlabs = true });
        for (int round = 0; round < 2; round++)
        {
            MemoryGroup[] groups = [.. Enumerable.Range(0, Groups).Select(i => _slabs.Root.CreateChild($"{i}"))];
            nint[] nodes = [.. groups.Select(group => (nint)cache.Allocate(group))];
            other.Run(() =>
            {
                foreach (MemoryGroup group in groups) cache.Free(cache.Allocate(group));
            });
            Assert.Equal(Groups, cache.ReadStatistics().Slabs);
            Assert.Equal(Groups, cache.ReadStatistics().ActiveObjects);
            Assert.Equal(Groups, nodes.Select(static node => node >> 16).Distinct().Count());
            Assert.Equal(Groups, _slabs.Slabs.Validate());
            foreach (MemoryGroup group in groups) group.Remove();
            foreach (nint node in nodes) cache.Free((Node*)node);
            Assert.Equal(0, cache.ReadStatistics().TotalObjects);
        }

        Assert.NotNull(_slabs.Slabs.TryClassOf(SizeClasses.Count + Groups - 1));
        Assert.Null(_slabs.Slabs.TryClassOf(SizeClasses.Count + Groups));
        AssertNothingLeft(cache);
    }

    [Fact]
    public void Private_slabs_of_what_nobody_pays_for_go_back_with_their_group()
    {
        ObjectCache<Node> cache = Make("nodes", new() { HasPrivateSlabs = true });
        for (int i = 0; i < 3; i++)
        {
            MemoryGroup group = _slabs.Root.CreateChild("g");
            Node* node;
            using (AllocationScope.BlockAccounting()) node = cache.Allocate(group);
            group.Remove();
            Assert.Equal(1, cache.ReadStatistics().ActiveObjects);
            cache.Free(node);
            Assert.Equal(0, cache.ReadStatistics().Slabs);

            // A group that is removed can still be named where nobody pays.
            using (AllocationScope.BlockAccounting()) node = cache.Allocate(group);
            cache.Free(node);
            _slabs.Slabs.Trim(all: true);   // the thread has taken more than one
            Assert.Equal(0, cache.ReadStatistics().Slabs);
        }

        Assert.Null(_slabs.Slabs.TryClassOf(SizeClasses.Count + 1));
        AssertNothingLeft(cache);
    }

    [Fact]
    public void An_object_that_is_freed_to_the_wrong_cache_is_caught()
    {
        ObjectCache<Node> one = Make("one"), other = Make("other");
        Node* node = one.Allocate(_slabs.A);
        nint block = _slabs.Allocate(_slabs.A, sizeof(Node));
        Assert.Contains("'one'", Assert.Throws<CorruptionException>(() => other.Free(node)).Message);
        Assert.Throws<CorruptionException>(() => other.Free((Node*)block));
        one.Free(node);
        Assert.Throws<CorruptionException>(() => one.Free(node));
        _slabs.Free(block);
        AssertNothingLeft(one, other);
    }

    private ObjectCache<Node> Make(
        string name, ObjectCacheOptions? options = null, ObjectConstructor<Node>? constructor = null) =>
        new(_slabs.Slabs, name, options, constructor);

    private void AssertNothingLeft(params ObjectCache<Node>[] caches)
    {
        _slabs.AssertNothingLeft();
        foreach (ObjectCache<Node> cache in caches) Assert.Equal(0, cache.ReadStatistics().TotalObjects);
    }

    private struct Node
    {
        public long Number;
        public fixed byte Name[40];
    }
}
