namespace Allot.Tests.Regressions;

/// <summary>A charge and its uncharge at the edge of what a thread holds in advance must not go through the tree each
/// time. Counted, not timed: whatever goes to the tree changes what stands on it, used and held in advance.</summary>
public sealed class BatchEdgeTests
{
    private const int Pairs = 100;
    private const int KiB = 1 << 10;

    // Nobody looks for idle reserves meanwhile.
    private readonly MemoryController _controller = new(options: new() { Time = new ManualTime() });
    private long _visits;
    private long _standing;

    private MemoryGroup Root => _controller.Root;

    [Theory]
    [InlineData(MemoryKind.User, 1)]
    [InlineData(MemoryKind.User, 64)]
    [InlineData(MemoryKind.User, 4 * KiB)]
    [InlineData(MemoryKind.User, 20 * KiB)]
    [InlineData(MemoryKind.Kernel, 64)]
    [InlineData(MemoryKind.Kernel, 20 * KiB)]
    public void Hovering_around_any_level_goes_to_the_tree_once_at_most(MemoryKind kind, long bytes) => FreshThread.Run(() =>
    {
        MemoryGroup group = Root.CreateChild("a").CreateChild("b");
        MakeBusy(group, kind);
        long most = 0, all = 0;
        for (int level = 0; level < 300; level++)
        {
            _visits = 0;
            Hover(group, kind, bytes);
            most = Math.Max(most, _visits);
            all += _visits;
            Charge(group, kind, KiB);   // the next level; at the end several times what a slot holds at first
        }

        Assert.InRange(most, 0, 1);
        Assert.InRange(all, 0, 20);
        group.Uncharge(kind, 300 * KiB);
        Assert.Equal(0, Root.Memory.CurrentBytes);
    });

    [Fact]
    public void A_long_way_up_and_down_goes_to_the_tree_once_for_a_batch() => FreshThread.Run(() =>
    {
        MemoryGroup group = Root.CreateChild("a");
        MakeBusy(group, MemoryKind.User);
        for (int i = 0; i < 10_000; i++) Charge(group, MemoryKind.User, 64);
        for (int i = 0; i < 10_000; i++) Uncharge(group, MemoryKind.User, 64);
        Assert.InRange(_visits, 1, 2 * 640_000 / (32 * KiB));   // at least 32 KiB at a time
    });

    [Fact]
    public void Eight_groups_in_turn_do_not_take_from_each_other() => FreshThread.Run(() =>
    {
        MemoryGroup[] groups = [.. Enumerable.Range(0, 8).Select(i => Root.CreateChild($"g{i}"))];
        Turn(20);
        _visits = 0;
        Turn(500);
        Assert.Equal((0, 8), (_visits, _controller.Reserves.BoundSlots));   // some may change places, inside the thread

        void Turn(int rounds)
        {
            for (int round = 0; round < rounds; round++)
            {
                foreach (MemoryGroup group in groups) Charge(group, MemoryKind.User, 64);
                foreach (MemoryGroup group in groups) Uncharge(group, MemoryKind.User, 64);
            }
        }
    });

    [Fact]
    public void Every_visit_is_seen()
    {
        MemoryGroup group = Root.CreateChild("a", new() { HighBytes = 0 });   // above it nothing is held in advance
        Hover(group, MemoryKind.User, 64);
        Assert.Equal(2 * Pairs, _visits);
    }

    private void Hover(MemoryGroup group, MemoryKind kind, long bytes)
    {
        for (int i = 0; i < Pairs; i++)
        {
            Charge(group, kind, bytes);
            Uncharge(group, kind, bytes);
        }
    }

    private void MakeBusy(MemoryGroup group, MemoryKind kind)
    {
        Hover(group, kind, 10);
        Assert.NotEqual(0, group.Memory.ReservedBytes);
        _visits = 0;
    }

    private void Charge(MemoryGroup group, MemoryKind kind, long bytes)
    {
        Assert.True(group.TryCharge(kind, bytes, out _));
        CountVisit();
    }

    private void Uncharge(MemoryGroup group, MemoryKind kind, long bytes)
    {
        group.Uncharge(kind, bytes);
        CountVisit();
    }

    private void CountVisit()
    {
        long standing = Root.Memory.CurrentBytes + Root.Memory.ReservedBytes;
        if (standing != _standing) _visits++;
        _standing = standing;
    }
}
