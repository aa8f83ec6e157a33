namespace Allot.Tests.Slabs;

/// <summary>The system refuses memory to object caches, at every place where it could: with slabs that are shared and
/// private, with constructors that throw, and groups that are removed or released in one step in between. Nothing stays
/// charged and nothing is lost.</summary>
public sealed unsafe class CacheFaultTests
{
    private const int ObjectsEach = 200, ThrowsEvery = 7;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Every_request_to_the_system_may_fail(bool fromThereOn)
    {
        Outcome fine = Run(0, fromThereOn);
        Assert.Equal(0, fine.Failures);
        Assert.True(fine.Threw > 0);
        Assert.InRange(fine.Requests, 5, 500);
        int everFailed = 0;
        for (int n = 1; n <= fine.Requests; n++)
        {
            if (Run(n, fromThereOn).Failures > 0) everFailed++;
        }

        Assert.True(everFailed > 0);
    }

    [Fact]
    public void An_object_that_could_not_be_constructed_leaves_its_memory_to_the_next_one()
    {
        using var slabs = new SlabFixture();
        bool throws = true;
        var cache = new ObjectCache<Node>(slabs.Slabs, "nodes", null, (ref Node node) =>
        {
            node.Number = 7;
            if (throws) throw new NotSupportedException();
        });
        for (int i = 0; i < 1000; i++) Assert.Throws<NotSupportedException>(() => (nint)cache.Allocate(slabs.A));
        Assert.Equal(0, cache.ReadStatistics().ActiveObjects);
        Assert.InRange(cache.ReadStatistics().Slabs, 0, 1);
        throws = false;
        Node* node = cache.Allocate(slabs.A);
        Assert.Equal(7, node->Number);
        cache.Free(node);
        cache.Remove();
        slabs.AssertNothingLeft();
    }

    private static Outcome Run(int failsAt, bool fromThereOn)
    {
        using var slabs = new SlabFixture();
        slabs.Pages.Restart();
        slabs.Pages.FailsAt = failsAt;
        slabs.Pages.FailsFromThereOn = fromThereOn;
        int failures = 0, threw = 0, constructed = 0;
        List<ObjectCache<Node>> caches = [];
        foreach (bool isPrivate in (bool[])[false, true])
        {
            foreach (MemoryKind kind in (MemoryKind[])[MemoryKind.User, MemoryKind.Kernel])
            {
                var options = new ObjectCacheOptions { Kind = kind, HasPrivateSlabs = isPrivate };
                caches.Add(new ObjectCache<Node>(slabs.Slabs, $"plain {isPrivate} {kind}", options, null));
                caches.Add(new ObjectCache<Node>(slabs.Slabs, $"constructed {isPrivate} {kind}", options, Construct));
            }
        }

        List<(ObjectCache<Node> Cache, MemoryGroup Group, nint Node)> live = [];
        foreach (ObjectCache<Node> cache in caches) Allocate(cache);
        slabs.A.Remove();
        AssertSum();
        for (int i = live.Count - 1; i >= 0; i -= 2)
        {
            live[i].Cache.Free((Node*)live[i].Node);
            live.RemoveAt(i);
        }

        AssertSum();
        MemoryGroup late = slabs.Root.CreateChild("late");   // inherits what the removed one leaves
        foreach (ObjectCache<Node> cache in caches)
        {
            _ = slabs.Slabs.Trim(all: true);   // and what was given back may not be had again
            for (int i = 0; i < ObjectsEach; i++) TryAllocate(cache, late);
            if (!cache.Name.Contains("True", StringComparison.Ordinal)) continue;
            _ = cache.FreeAll(slabs.B);
            _ = cache.FreeAll(slabs.A);
            live.RemoveAll(one => one.Cache == cache && one.Group != late);
            AssertSum();
        }

        foreach ((ObjectCache<Node> cache, _, nint node) in live) cache.Free((Node*)node);
        int requests = slabs.Pages.Requests;
        foreach (ObjectCache<Node> cache in caches)
        {
            Assert.Equal(0, cache.ReadStatistics().ActiveObjects);
            cache.Remove();
            Assert.Equal(0, cache.ReadStatistics().Slabs);
        }

        slabs.AssertNothingLeft();
        return new Outcome(requests, failures, threw);

        void Construct(ref Node node)
        {
            node.Number = 7;
            if (++constructed % ThrowsEvery == 0) throw new NotSupportedException();
        }

        void Allocate(ObjectCache<Node> cache)
        {
            for (int i = 0; i < ObjectsEach; i++) TryAllocate(cache, i % 3 == 0 ? slabs.B : slabs.A);
            AssertSum();
        }

        void TryAllocate(ObjectCache<Node> cache, MemoryGroup group)
        {
            try
            {
                live.Add((cache, group, (nint)cache.Allocate(group)));
            }
            catch (InsufficientMemoryException)
            {
                failures++;
            }
            catch (NotSupportedException)
            {
                threw++;
            }
        }

        void AssertSum() => Assert.Equal(live.Sum(static one => one.Cache.ObjectBytes), slabs.Root.Memory.CurrentBytes);
    }

    private readonly record struct Outcome(int Requests, int Failures, int Threw);

    private struct Node
    {
        public long Number;
        public fixed byte Name[3000];
    }
}
