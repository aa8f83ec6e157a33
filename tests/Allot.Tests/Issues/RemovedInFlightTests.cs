using Allot.Tests.Slabs;

namespace Allot.Tests.Issues;

/// <summary>What an allocation was for is removed while it reclaims, and the number of its class is somebody else's when
/// it goes on: it takes no block of that.</summary>
public sealed unsafe class RemovedInFlightTests : IDisposable
{
    private readonly SlabFixture _slabs = new();

    public void Dispose() => _slabs.Dispose();

    [Fact]
    public void A_cache_that_is_removed_meanwhile_hands_out_no_object_of_the_next_one()
    {
        MemoryGroup group = _slabs.Root.CreateChild("full", new() { MaxBytes = 5000 });
        group.Charge(MemoryKind.User, 4000);
        ObjectCache<Node> cache = Make("first", isPrivate: false);
        ObjectCache<Node>? next = null;
        using IDisposable registration = group.Register(new Reclaimer(() =>
        {
            cache.Remove();
            next = Make("next", isPrivate: false);
            next.Free(next.Allocate(_slabs.B));
            group.Uncharge(MemoryKind.User, 4000);
            return 4000;
        }));
        Assert.Throws<ObjectDisposedException>(() => { cache.Allocate(group); });
        Assert.Equal(0, next!.ReadStatistics().ActiveObjects);
    }

    [Fact]
    public void The_private_slabs_of_the_next_group_get_no_object_of_the_one_that_was_removed_meanwhile()
    {
        MemoryGroup group = _slabs.Root.CreateChild("high", new() { HighBytes = sizeof(Node) + 100 });
        ObjectCache<Node> cache = Make("nodes", isPrivate: true);
        Node* first = cache.Allocate(group), ofNext = null;
        using IDisposable registration = group.Register(new Reclaimer(() =>
        {
            cache.Free(first);
            group.Remove();
            ofNext = cache.Allocate(_slabs.B);
            return sizeof(Node);
        }));
        Node* second = null;
        try
        {
            second = cache.Allocate(group);   // the charge stood before the group was removed
        }
        catch (MemoryLimitExceededException)
        {
        }

        Assert.True(ofNext != null);
        bool isShared = second != null && (nint)second >> PageArena.UnitShift == (nint)ofNext >> PageArena.UnitShift;
        Assert.False(isShared, "FreeAll of the next group would free an object that is not its own.");
        cache.FreeAll(_slabs.B);
        if (second != null) cache.Free(second);
        Assert.Equal(0, _slabs.Root.Memory.CurrentBytes);
    }

    private ObjectCache<Node> Make(string name, bool isPrivate) =>
        new(_slabs.Slabs, name, new() { Kind = MemoryKind.User, HasPrivateSlabs = isPrivate }, constructor: null);

    private struct Node
    {
        public fixed byte Bytes[4000];
    }

    // Once.
    private sealed class Reclaimer(Func<long> reclaim) : IReclaimer
    {
        private bool _wasAsked;

        public ReclaimNeeds Needs => ReclaimNeeds.None;

        public long CountBytes(MemoryGroup group) => 1 << 20;

        public long Reclaim(MemoryGroup group, long targetBytes)
        {
            if (_wasAsked) return 0;
            _wasAsked = true;
            return reclaim();
        }
    }
}
