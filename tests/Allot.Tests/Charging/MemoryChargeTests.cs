using Allot.Tests.Reclaim;

namespace Allot.Tests;

public sealed class MemoryChargeTests
{
    private const long Largest = MemoryGroup.MaxChargeBytes;

    private readonly TreeOfThree _tree = new();

    [Fact]
    public void Growing_and_shrinking_change_what_is_owned()
    {
        using MemoryCharge charge = _tree.Leaf.Hold(MemoryKind.User, 10);
        charge.Grow(5);
        Assert.True(charge.TryGrow(5, out ChargeRefusal refusal));
        Assert.Equal(RefusalReason.None, refusal.Reason);
        charge.Shrink(12);
        Assert.Equal(8, charge.Bytes);
        Assert.Equal([8, 8, 8], _tree.Memory);
    }

    [Theory, InlineData(0L), InlineData(3L), InlineData(10L), InlineData(40L)]
    public void Resizing_ends_at_the_amount(long bytes)
    {
        using MemoryCharge charge = _tree.Leaf.Hold(MemoryKind.Kernel, 10);
        charge.Resize(bytes);
        Assert.Equal(bytes, charge.Bytes);
        Assert.Equal([bytes, bytes, bytes], _tree.Memory);
        Assert.Equal([bytes, bytes, bytes], _tree.Kernel);
    }

    [Fact]
    public void What_is_refused_leaves_the_handle_as_it_was()
    {
        using MemoryCharge charge = _tree.Leaf.Hold(MemoryKind.User, 10);
        _tree.Middle.Memory.MaxBytes = 12;
        Assert.False(charge.TryGrow(3, out ChargeRefusal refusal));
        Assert.Same(_tree.Middle, refusal.Limiter);
        Assert.Throws<MemoryLimitExceededException>(() => charge.Grow(3));
        Assert.Throws<MemoryLimitExceededException>(() => charge.Resize(13));
        Assert.Equal(10, charge.Bytes);
        Assert.Equal([10, 10, 10], _tree.Memory);
    }

    [Fact]
    public void Shrinking_by_more_than_is_owned_is_refused_and_changes_nothing()
    {
        using MemoryCharge charge = _tree.Leaf.Hold(MemoryKind.User, 10);
        Assert.Throws<ArgumentOutOfRangeException>(() => charge.Shrink(11));
        Assert.Throws<ArgumentOutOfRangeException>(() => charge.Shrink(-1));
        Assert.Equal(10, charge.Bytes);
        Assert.Equal([10, 10, 10], _tree.Memory);
    }

    [Fact]
    public void Disposing_gives_everything_back_once()
    {
        MemoryCharge charge = _tree.Leaf.Hold(MemoryKind.User, 10);
        _tree.Leaf.Charge(MemoryKind.User, 100);
        charge.Dispose();
        charge.Dispose();
        Assert.Equal(0, charge.Bytes);
        Assert.Equal([100, 100, 100], _tree.Memory);
        Assert.Equal(default, _tree.Root.ReadEvents());
    }

    [Fact]
    public void A_disposed_handle_refuses_every_change()
    {
        MemoryCharge charge = _tree.Leaf.Hold(MemoryKind.User, 10);
        charge.Dispose();
        Assert.Throws<ObjectDisposedException>(() => charge.TryGrow(1, out _));
        Assert.Throws<ObjectDisposedException>(() => charge.Grow(1));
        Assert.Throws<ObjectDisposedException>(() => charge.Shrink(0));
        Assert.Throws<ObjectDisposedException>(() => charge.Resize(0));
        Assert.Throws<ObjectDisposedException>(() => charge.Resize(1));
        Assert.Throws<ObjectDisposedException>(() => charge.TransferTo(_tree.Middle));
        Assert.Same(_tree.Leaf, charge.Group);
    }

    [Fact]
    public void Many_threads_that_dispose_one_handle_give_back_once()
    {
        for (int round = 0; round < 200; round++)
        {
            MemoryCharge charge = _tree.Leaf.Hold(MemoryKind.User, 10);
            Parallel.For(0, 4, _ => charge.Dispose());
            Assert.Equal([0, 0, 0], _tree.Memory);
        }

        Assert.Equal(default, _tree.Root.ReadEvents());
    }

    [Fact]
    public void A_transfer_charges_the_target_and_uncharges_the_old_owner()
    {
        MemoryGroup other = _tree.Middle.CreateChild("c");
        using MemoryCharge charge = _tree.Leaf.Hold(MemoryKind.Kernel, 10);
        charge.TransferTo(other);
        Assert.Same(other, charge.Group);
        Assert.Equal([10, 10, 0], _tree.Kernel);
        Assert.Equal([10, 10, 0], _tree.Memory);
        Assert.Equal(10, other.Kernel.CurrentBytes);
        charge.Dispose();
        Assert.Equal([0, 0, 0], _tree.Memory);
        Assert.Equal(0, other.Memory.CurrentBytes);
    }

    [Fact]
    public void A_transfer_to_the_present_owner_does_nothing_even_when_it_is_full()
    {
        using MemoryCharge charge = _tree.Leaf.Hold(MemoryKind.User, 10);
        _tree.Leaf.Memory.MaxBytes = 0;
        charge.TransferTo(_tree.Leaf);
        Assert.Equal(10, charge.Bytes);
    }

    [Fact]
    public void A_refused_transfer_changes_nothing()
    {
        MemoryGroup full = _tree.Root.CreateChild("full", new() { MaxBytes = 9 });
        MemoryGroup removed = _tree.Root.CreateChild("removed");
        removed.Remove();
        using MemoryCharge charge = _tree.Leaf.Hold(MemoryKind.User, 10);
        Assert.Throws<MemoryLimitExceededException>(() => charge.TransferTo(full));
        Assert.Throws<MemoryLimitExceededException>(() => charge.TransferTo(removed));
        Assert.Throws<ArgumentNullException>(() => charge.TransferTo(null!));
        Assert.Same(_tree.Leaf, charge.Group);
        Assert.Equal([10, 10, 10], _tree.Memory);
        Assert.Equal(0, full.Memory.CurrentBytes);
    }

    [Fact]
    public void A_transfer_inside_of_a_full_tenant_succeeds()
    {
        MemoryGroup other = _tree.Middle.CreateChild("c");
        using MemoryCharge charge = _tree.Leaf.Hold(MemoryKind.Kernel, 10);
        _tree.Middle.Memory.MaxBytes = 10;
        _tree.Middle.Kernel.MaxBytes = 5;
        charge.TransferTo(other);
        Assert.Equal([10, 10, 0], _tree.Memory);
        Assert.Equal(10, _tree.Middle.Memory.PeakBytes);
        charge.TransferTo(_tree.Middle);
        charge.TransferTo(_tree.Leaf);
        Assert.Equal([10, 10, 10], _tree.Kernel);
        Assert.Equal(default, _tree.Root.ReadEvents());
    }

    [Fact]
    public void A_transfer_gets_what_threads_hold_in_advance_at_its_target()
    {
        const long MiB = 1 << 20;
        MemoryGroup other = _tree.Middle.CreateChild("c", new() { MaxBytes = MiB });
        for (int i = 0; i < 100; i++)
        {
            other.Charge(MemoryKind.User, 10);
            other.Uncharge(MemoryKind.User, 10);
        }

        Assert.NotEqual(0, other.Memory.ReservedBytes);
        using MemoryCharge charge = _tree.Leaf.Hold(MemoryKind.User, MiB);
        Assert.True(charge.TryTransferTo(other, out _));
        Assert.Equal(MiB, other.Memory.CurrentBytes);
        Assert.Equal(MiB, _tree.Middle.Memory.CurrentBytes);
    }

    [Fact]
    public void Growing_reclaims_and_trying_to_does_not()
    {
        MemoryGroup group = _tree.Root.CreateChild("g", new() { MaxBytes = 100 });
        using var cache = new TestCache(group);
        cache.Fill(90);
        using MemoryCharge charge = group.Hold(MemoryKind.User, 10);
        Assert.False(charge.TryGrow(20, out _));
        Assert.Equal(90, cache.HeldBytes);
        charge.Grow(20);
        charge.Resize(60);
        Assert.Equal(60, charge.Bytes);
        Assert.InRange(cache.HeldBytes, 0, 40);
        Assert.Equal(60 + cache.HeldBytes, group.Memory.CurrentBytes);
        using MemoryCharge other = group.Hold(MemoryKind.User, 35);
        Assert.Throws<MemoryLimitExceededException>(() => charge.Grow(6));
        Assert.Throws<MemoryLimitExceededException>(() => group.Hold(MemoryKind.User, 6));
        Assert.Equal(60, charge.Bytes);
        Assert.Equal(95 + cache.HeldBytes, group.Memory.CurrentBytes);
    }

    [Fact]
    public void Growth_that_nothing_can_help_counts_as_out_of_memory_as_a_charge_does()
    {
        MemoryGroup group = _tree.Root.CreateChild("g", new() { MaxBytes = 100 });
        using MemoryCharge charge = group.Hold(MemoryKind.User, 90);
        Assert.False(charge.TryGrow(20, out _));
        Assert.Equal((0, 1), (group.ReadEvents().Oom, group.ReadEvents().MemoryMax));
        Assert.Throws<MemoryLimitExceededException>(() => charge.Grow(20));
        Assert.Equal((1, 2), (group.ReadEvents().Oom, group.ReadEvents().MemoryMax));
        Assert.Throws<MemoryLimitExceededException>(() => charge.Resize(110));
        Assert.Throws<MemoryLimitExceededException>(() => group.Hold(MemoryKind.User, 20));
        Assert.Equal((3, 4), (group.ReadEvents().Oom, group.ReadEvents().MemoryMax));
        Assert.Throws<MemoryLimitExceededException>(() => group.Charge(MemoryKind.User, 20));
        Assert.Equal(4, group.ReadEvents().Oom);
        Assert.Throws<MemoryLimitExceededException>(() => charge.Grow(200));   // could never fit
        Assert.Throws<MemoryLimitExceededException>(() => group.Charge(MemoryKind.User, 200));
        Assert.Equal(4, group.ReadEvents().Oom);
        Assert.Equal(90, group.Memory.CurrentBytes);
    }

    [Fact]
    public void A_reclaimer_may_shrink_or_dispose_the_handle_that_grows()
    {
        MemoryGroup group = _tree.Root.CreateChild("g", new() { MaxBytes = 100 });
        MemoryCharge charge = group.Hold(MemoryKind.User, 80);
        using var cache = new TestCache(group) { Instead = (_, _) => { charge.Resize(10); return 70; } };
        cache.Fill(20);
        charge.Grow(50);
        Assert.Equal(60, charge.Bytes);
        cache.Instead = (_, _) => { charge.Dispose(); return 60; };
        Assert.Throws<ObjectDisposedException>(() => charge.Grow(30));
        Assert.Equal(cache.HeldBytes, group.Memory.CurrentBytes);
    }

    [Fact]
    public void A_handle_can_move_to_another_tree()
    {
        var elsewhere = new TreeOfThree();
        using MemoryCharge charge = _tree.Leaf.Hold(MemoryKind.User, 10);
        charge.TransferTo(elsewhere.Leaf);
        Assert.Equal([0, 0, 0], _tree.Memory);
        Assert.Equal([10, 10, 10], elsewhere.Memory);
    }

    [Fact]
    public void After_removal_of_its_group_a_handle_still_gives_back_but_does_not_grow()
    {
        MemoryCharge charge = _tree.Leaf.Hold(MemoryKind.User, 10);
        _tree.Leaf.Remove();
        Assert.Same(_tree.Leaf, charge.Group);
        Assert.False(charge.TryGrow(1, out ChargeRefusal refusal));
        Assert.Equal(RefusalReason.GroupRemoved, refusal.Reason);
        charge.Resize(10);   // what it has already: no charge
        charge.Resize(4);
        Assert.Equal([4, 4, 0], _tree.Memory);
        charge.TransferTo(_tree.Root);
        Assert.Equal([4, 0, 0], _tree.Memory);
        charge.Dispose();
        Assert.Equal([0, 0, 0], _tree.Memory);
    }

    [Fact]
    public void A_handle_never_owns_more_than_one_uncharge_can_give_back()
    {
        MemoryCharge charge = _tree.Leaf.Hold(MemoryKind.User, Largest);
        Assert.Throws<ArgumentOutOfRangeException>(() => charge.TryGrow(1, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => charge.Grow(Largest));
        Assert.Throws<ArgumentOutOfRangeException>(() => charge.Resize(Largest + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => charge.Grow(-1));
        Assert.Equal(Largest, charge.Bytes);
        charge.Dispose();
        Assert.Equal([0, 0, 0], _tree.Memory);
    }
}
