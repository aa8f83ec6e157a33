using System.Diagnostics;

namespace Allot.Tests.Reclaim;

/// <summary>Reclaimers that do wrong are contained: what counts is what the counters show.</summary>
public sealed class ReclaimerErrorTests
{
    private readonly TreeOfThree _tree = new();

    [Fact]
    public void One_that_throws_is_contained_and_the_others_are_asked()
    {
        using TestCache broken = new TestCache(_tree.Leaf).Fill(1_000);
        using TestCache good = new TestCache(_tree.Middle.CreateChild("good")).Fill(1_000);
        broken.Instead = (_, _) => throw new InvalidOperationException("broken");
        Assert.Equal(1_000, _tree.Root.Reclaim(2_000));
        Assert.Equal(0, good.HeldBytes);
        Assert.InRange(_tree.Leaf.ReadLocalEvents().ReclaimErrors, 1, long.MaxValue);
        Assert.Equal(0, good.HeldBytes);
        Assert.Equal(_tree.Leaf.ReadLocalEvents().ReclaimErrors, _tree.Root.ReadEvents().ReclaimErrors);
    }

    [Fact]
    public void What_one_freed_before_it_threw_counts()
    {
        using TestCache broken = new TestCache(_tree.Leaf).Fill(1_000);
        broken.Instead = (_, target) =>
        {
            broken.Free(target);
            throw new InvalidOperationException("broken");
        };
        Assert.Equal(1_000, _tree.Root.Reclaim(1_000));
    }

    [Fact]
    public void One_that_claims_what_it_did_not_give_is_credited_what_it_gave()
    {
        using TestCache liar = new TestCache(_tree.Leaf).Fill(1_000);
        liar.Instead = (_, target) => liar.Free(Math.Min(1, target)) + 99;
        Assert.Equal(100, _tree.Root.Reclaim(100));
        Assert.Equal([900, 900, 900], _tree.Memory);
        Assert.Equal(100, _tree.Leaf.ReadLocalEvents().ReclaimErrors);
    }

    [Fact]
    public void A_claim_is_not_confirmed_by_what_others_give_back_elsewhere()
    {
        MemoryGroup sibling = _tree.Middle.CreateChild("s");
        sibling.Charge(MemoryKind.User, 1_000);
        using TestCache liar = new TestCache(_tree.Leaf).Fill(1_000);
        liar.Instead = (_, target) =>
        {
            sibling.Uncharge(MemoryKind.User, 1);
            return target;
        };
        Assert.Equal(0, _tree.Root.Reclaim(10));
        Assert.InRange(_tree.Leaf.ReadLocalEvents().ReclaimErrors, 1, long.MaxValue);
    }

    [Fact]
    public void An_honest_claim_is_confirmed_while_others_charge()
    {
        using TestCache cache = new TestCache(_tree.Leaf).Fill(1_000);
        cache.Instead = (group, target) =>
        {
            var other = new Thread(() => group.ForceCharge(MemoryKind.User, 5_000));
            other.Start();
            other.Join();
            return cache.Free(target);
        };
        Assert.Equal(10, _tree.Root.Reclaim(10));
        Assert.Equal(0, _tree.Root.ReadEvents().ReclaimErrors);
    }

    public enum Place
    {
        Group,
        Below,
        Sibling,
    }

    public enum Way
    {
        Force,
        Try,
        Handle,
        Transfer,
        Hold,
        Async,
    }

    public static TheoryData<Place, Way> Moves
    {
        get
        {
            var moves = new TheoryData<Place, Way>();
            foreach (Place place in Enum.GetValues<Place>())
            {
                foreach (Way way in Enum.GetValues<Way>()) moves.Add(place, way);
            }

            return moves;
        }
    }

    [Theory, MemberData(nameof(Moves))]
    public void Bytes_that_only_change_places_are_not_freed(Place place, Way way)
    {
        MemoryGroup sibling = _tree.Middle.CreateChild("s"), below = _tree.Leaf.CreateChild("below");
        MemoryGroup to = place == Place.Group ? _tree.Leaf : place == Place.Below ? below : sibling;
        foreach (MemoryGroup group in (MemoryGroup[])[_tree.Leaf, sibling, below])
        {
            for (int i = 0; i < 100; i++)   // this thread holds some of it in advance
            {
                group.Charge(MemoryKind.User, 10);
                group.Uncharge(MemoryKind.User, 10);
            }
        }

        using MemoryCharge held = _tree.Leaf.Hold(MemoryKind.User, 1_000);
        using TestCache liar = new TestCache(_tree.Leaf).Fill(1_000);
        liar.Instead = (_, target) =>
        {
            if (way == Way.Transfer)
            {
                held.TransferTo(to == _tree.Leaf ? below : to);
                return target;
            }

            liar.Free(target);
            if (way == Way.Force) to.ForceCharge(MemoryKind.User, target);
            if (way == Way.Try) Assert.True(to.TryCharge(MemoryKind.User, target, out ChargeRefusal _));
            if (way == Way.Handle) to.Handle().Charge(target);
            if (way == Way.Hold) to.Hold(MemoryKind.User, target);
            if (way == Way.Async) to.ChargeAsync(MemoryKind.User, target).AsTask().Wait();
            return target;
        };
        Assert.Equal(0, _tree.Root.Reclaim(10));
        Assert.Equal(2_000, _tree.Root.Memory.CurrentBytes);
        Assert.InRange(_tree.Leaf.ReadLocalEvents().ReclaimErrors, 1, long.MaxValue);
    }

    [Fact]
    public void What_moves_out_of_the_group_that_needs_room_is_freed_there()
    {
        MemoryGroup elsewhere = _tree.Root.CreateChild("s");
        using TestCache cache = new TestCache(_tree.Leaf).Fill(1_000);
        cache.Instead = (_, target) =>
        {
            cache.Free(target);
            elsewhere.ForceCharge(MemoryKind.User, target);
            return target;
        };
        Assert.Equal(10, _tree.Middle.Reclaim(10));
        Assert.Equal(0, _tree.Root.ReadEvents().ReclaimErrors);
        Assert.Equal(0, _tree.Root.Reclaim(10));
        Assert.InRange(_tree.Leaf.ReadLocalEvents().ReclaimErrors, 1, long.MaxValue);
    }

    [Fact]
    public void What_a_reclaimer_charges_for_its_work_and_gives_back_is_not_counted()
    {
        using TestCache cache = new TestCache(_tree.Leaf).Fill(1_000);
        cache.Instead = (group, target) =>
        {
            group.Charge(MemoryKind.User, 500);
            long freed = cache.Free(target);
            group.Uncharge(MemoryKind.User, 500);
            return freed;
        };
        Assert.Equal(10, _tree.Root.Reclaim(10));
        Assert.Equal(0, _tree.Root.ReadEvents().ReclaimErrors);
    }

    [Fact]
    public void What_another_thread_frees_for_it_counts()
    {
        using TestCache cache = new TestCache(_tree.Leaf).Fill(1_000);
        cache.Instead = (_, target) =>
        {
            long freed = 0;
            var owner = new Thread(() => freed = cache.Free(target));
            owner.Start();
            owner.Join();
            return freed;
        };
        Assert.Equal(10, _tree.Root.Reclaim(10));
        Assert.Equal(0, _tree.Root.ReadEvents().ReclaimErrors);
    }

    [Theory, InlineData(-1L), InlineData(long.MinValue), InlineData(long.MaxValue)]
    public void An_impossible_claim_counts_for_nothing(long claim)
    {
        using TestCache liar = new TestCache(_tree.Leaf).Fill(1_000);
        liar.Instead = (_, _) => claim;
        Assert.Equal(0, _tree.Root.Reclaim(10));
        Assert.InRange(_tree.Leaf.ReadLocalEvents().ReclaimErrors, 1, 16 * 13);
    }

    [Theory, InlineData(long.MaxValue, 1), InlineData(-1L, 1), InlineData(long.MinValue, 1), InlineData(1_000L, 0)]
    public void An_impossible_count_ends_in_bounded_time(long count, int errors)
    {
        var reclaimer = new Stubborn(() => count);
        using IDisposable registration = _tree.Leaf.Register(reclaimer);
        _tree.Leaf.Charge(MemoryKind.User, 1_000);
        Assert.Equal(0, _tree.Root.Reclaim(10));
        Assert.InRange(reclaimer.Asked, 0, GroupReclaim.IdleRoundsMax * 13);
        Assert.Equal(errors == 1, _tree.Leaf.ReadLocalEvents().ReclaimErrors > 0);
    }

    [Fact]
    public void A_count_that_throws_is_contained()
    {
        using IDisposable registration = _tree.Leaf.Register(
            new Stubborn(() => throw new InvalidOperationException("broken")));
        _tree.Leaf.Charge(MemoryKind.User, 1_000);
        Assert.Equal(0, _tree.Root.Reclaim(10));
        Assert.InRange(_tree.Leaf.ReadLocalEvents().ReclaimErrors, 1, long.MaxValue);
    }

    [Fact]
    public void It_is_traced_once_per_group()
    {
        string name = $"traced-{Guid.NewGuid():N}";
        MemoryGroup group = _tree.Root.CreateChild(name);
        using TestCache broken = new TestCache(group).Fill(100);
        broken.Instead = (_, _) => throw new InvalidOperationException("broken cache");
        using var listener = new Listener(name);
        Trace.Listeners.Add(listener);
        try
        {
            group.Reclaim(10);
        }
        finally
        {
            Trace.Listeners.Remove(listener);
        }

        Assert.Contains("broken cache", Assert.Single(listener.Lines));
        Assert.InRange(group.ReadLocalEvents().ReclaimErrors, 2, long.MaxValue);
    }

    private sealed class Stubborn(Func<long> count) : IReclaimer
    {
        public int Asked { get; private set; }

        public ReclaimNeeds Needs => ReclaimNeeds.None;

        public long CountBytes(MemoryGroup group) => count();

        public long Reclaim(MemoryGroup group, long targetBytes)
        {
            Asked++;
            return 0;
        }
    }

    private sealed class Listener(string name) : TraceListener
    {
        public List<string> Lines { get; } = [];

        public override void Write(string? message) => WriteLine(message);

        public override void WriteLine(string? message)
        {
            if (message?.Contains(name, StringComparison.Ordinal) == true) Lines.Add(message);
        }
    }
}
