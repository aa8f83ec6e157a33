namespace Allot.Tests;

/// <summary>Charging the current group, on a thread that holds bytes of its groups in advance: the way that most charges
/// go, and what must not go that way.</summary>
public sealed class AmbientChargingTests
{
    private const int EnoughToHold = 1_000;

    private readonly MemoryGroup _root = new MemoryController(new() { MaxBytes = 1L << 40 }).Root;

    [Fact]
    public void Each_scope_charges_its_own_group()
    {
        MemoryGroup a = Warm("a"), b = Warm("b");
        using (a.Enter())
        {
            Assert.Same(a, Charge(1));
            using (b.Enter()) Assert.Same(b, Charge(10));
            Assert.Same(a, Charge(100));
        }

        Assert.Null(Charge(1_000));
        Assert.Equal((101, 10), (a.Memory.CurrentBytes, b.Memory.CurrentBytes));
        Assert.Equal(111, _root.Memory.CurrentBytes);
    }

    [Fact]
    public void All_three_ways_charge_the_same()
    {
        MemoryGroup group = Warm("a");
        using ActiveGroupScope scope = group.Enter();
        Assert.Same(group, AmbientCharging.Charge(MemoryKind.User, 1));
        Assert.True(AmbientCharging.TryCharge(MemoryKind.User, 10, out MemoryGroup? payer));
        Assert.Same(group, payer);
        Assert.True(AmbientCharging.TryCharge(MemoryKind.User, 100, out payer, out ChargeRefusal refusal));
        Assert.Same(group, payer);
        Assert.Equal(RefusalReason.None, refusal.Reason);
        Assert.Equal(111, group.Memory.CurrentBytes);
    }

    [Fact]
    public void Where_nobody_pays_nothing_that_is_held_is_spent()
    {
        MemoryGroup group = Warm("a");
        using ActiveGroupScope scope = group.Enter();
        using (AllocationScope.BlockAccounting()) Assert.Null(Charge(1));
        Assert.Null(AmbientCharging.Charge(MemoryKind.User, 1, AllocationFlags.Kernel));   // not Account
        using (AllocationScope.ActiveGroup(null)) Assert.Null(Charge(1));
        Assert.Equal(0, group.Memory.CurrentBytes);
        Assert.Same(group, Charge(1));
    }

    [Fact]
    public void A_mistake_is_one_although_the_bytes_are_held()
    {
        MemoryGroup group = Warm("a");
        using ActiveGroupScope scope = group.Enter();
        const AllocationFlags MustSucceed = AllocationFlags.KernelAccount | AllocationFlags.MustSucceed;
        using (AllocationScope.Atomic())
        {
            Assert.Throws<MustSucceedInAtomicException>(() => AmbientCharging.Charge(MemoryKind.User, 1, MustSucceed));
        }

        Assert.Throws<ArgumentOutOfRangeException>(() => Charge(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => Charge(MemoryGroup.MaxChargeBytes + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => AmbientCharging.Charge((MemoryKind)9, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => AmbientCharging.TryCharge((MemoryKind)9, 1, out _));
        Assert.Equal(0, group.Memory.CurrentBytes);
    }

    [Fact]
    public void What_is_refused_has_no_payer()
    {
        MemoryGroup group = _root.CreateChild("a", new() { MaxBytes = 10 });
        using ActiveGroupScope scope = group.Enter();
        Assert.False(AmbientCharging.TryCharge(MemoryKind.User, 11, out MemoryGroup? payer));
        Assert.Null(payer);
        Assert.False(AmbientCharging.TryCharge(MemoryKind.User, 11, out payer, out ChargeRefusal refusal));
        Assert.Null(payer);
        Assert.Same(group, refusal.Limiter);
    }

    [Fact]
    public void The_heir_of_a_removed_group_pays()
    {
        MemoryGroup group = Warm("a");
        using ActiveGroupScope scope = group.Enter();
        Assert.Same(group, Charge(1));
        group.Remove();
        Assert.Same(_root, Charge(10));
        Assert.True(AmbientCharging.TryCharge(MemoryKind.User, 100, out MemoryGroup? payer));
        Assert.Same(_root, payer);
        Assert.Equal(111, _root.Memory.CurrentBytes);
    }

    [Fact]
    public void Another_thread_has_scopes_of_its_own()
    {
        MemoryGroup a = Warm("a"), b = _root.CreateChild("b");
        using ActiveGroupScope scope = a.Enter();
        MemoryGroup? before = a, inside = null;
        var other = new Thread(() =>
        {
            before = Charge(1);
            using (b.Enter()) inside = Charge(10);
        });
        other.Start();
        other.Join();
        Assert.Null(before);
        Assert.Same(b, inside);
        Assert.Same(a, Charge(100));
        Assert.Equal((100, 10), (a.Memory.CurrentBytes, b.Memory.CurrentBytes));
    }

    private static MemoryGroup? Charge(long bytes) =>
        AmbientCharging.TryCharge(MemoryKind.User, bytes, out MemoryGroup? payer, out _) ? payer : null;

    // A group of which this thread holds bytes in advance.
    private MemoryGroup Warm(string name)
    {
        MemoryGroup group = _root.CreateChild(name);
        for (int i = 0; i < EnoughToHold; i++)
        {
            group.Charge(MemoryKind.User, 4096);
            group.Uncharge(MemoryKind.User, 4096);
        }

        Assert.NotEqual(0, group.Memory.ReservedBytes);
        return group;
    }
}
