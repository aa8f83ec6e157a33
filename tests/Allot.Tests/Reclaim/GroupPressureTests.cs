namespace Allot.Tests.Reclaim;

/// <summary>Time that flows wait for memory is counted where they charge and above.</summary>
public sealed class GroupPressureTests
{
    private readonly SkippingTime _time = new();
    private readonly MemoryController _controller;
    private readonly MemoryGroup _middle;
    private readonly MemoryGroup _leaf;

    public GroupPressureTests()
    {
        _controller = new MemoryController(options: new() { Time = _time });
        _middle = _controller.Root.CreateChild("a");
        _leaf = _middle.CreateChild("b");
    }

    [Fact]
    public void A_group_that_never_stalled_reads_zero_and_keeps_nothing()
    {
        _leaf.Charge(MemoryKind.User, 100);
        Assert.Equal(default, _leaf.ReadPressure());
        Assert.Null(_leaf.Policy);
        Assert.Equal(
            "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
            _leaf.ReadPressure().ToString());
    }

    [Fact]
    public void A_stall_counts_in_the_group_and_all_above()
    {
        MemoryGroup sibling = _middle.CreateChild("s");
        using (PressureScope.Enter(_leaf)) Pass(4000);
        Pass(6000);
        foreach (MemoryGroup group in (MemoryGroup[])[_leaf, _middle, _controller.Root])
        {
            MemoryPressure pressure = group.ReadPressure();
            Assert.Equal(TimeSpan.FromSeconds(4), pressure.SomeTotal);
            Assert.Equal(TimeSpan.FromSeconds(4), pressure.FullTotal);
            Assert.Equal(100 * (1 - Math.Exp(-0.4)) * Math.Exp(-0.6), pressure.SomeAvg10, 9);
        }

        Assert.Equal(default, sibling.ReadPressure());
        Assert.Equal(
            "some avg10=18.09 avg60=5.84 avg300=1.30 total=4000000\nfull avg10=18.09 avg60=5.84 avg300=1.30 total=4000000\n",
            _leaf.ReadPressure().ToString());
    }

    [Fact]
    public void Two_flows_that_stall_at_once_count_once()
    {
        PressureScope first = PressureScope.Enter(_leaf);
        Pass(1000);
        PressureScope second = PressureScope.Enter(_middle);
        Pass(1000);
        first.Dispose();
        Pass(1000);
        second.Dispose();
        Pass(1000);
        Assert.Equal(2000, Milliseconds(_leaf.ReadPressure().SomeTotal));
        Assert.Equal(3000, Milliseconds(_middle.ReadPressure().SomeTotal));
    }

    [Fact]
    public void A_flow_that_charges_meanwhile_makes_it_some_and_not_full()
    {
        using var other = new Sleeper(() => { });
        using (PressureScope.Enter(_leaf))
        {
            Pass(1000);
            Assert.Equal((1000, 1000), SomeAndFull(_leaf));
            Assert.True(other.Ask(() => _leaf.TryCharge(MemoryKind.User, 1, out _)));
            Pass(100);   // 10 of them the other is busy
            Assert.Equal((1100, 1090), SomeAndFull(_leaf));
            other.Ask(() => _middle.TryCharge(MemoryKind.User, 1, out _));
            Pass(5);
            Assert.Equal((1105, 1095), SomeAndFull(_leaf));
            Assert.Equal((1105, 1090), SomeAndFull(_middle));
        }
    }

    [Fact]
    public void A_thread_that_spends_what_it_holds_in_advance_is_busy()
    {
        MemoryGroup sibling = _middle.CreateChild("s");
        using var other = new Sleeper(() =>
        {
            for (int i = 0; i < 100; i++)
            {
                sibling.Charge(MemoryKind.User, 10);
                sibling.Uncharge(MemoryKind.User, 10);
            }
        });
        using (PressureScope.Enter(_leaf)) Pass(1000);
        Assert.Equal((1000, 1000), SomeAndFull(_leaf));
        Assert.Equal((1000, 0), SomeAndFull(_middle));
    }

    [Fact]
    public void A_flow_that_stalls_again_and_again_is_not_its_own_company()
    {
        for (int i = 0; i < 100; i++)
        {
            using (PressureScope.Enter(_leaf)) Pass(9);
            Pass(1);
        }

        Assert.Equal((900, 900), SomeAndFull(_leaf));
    }

    [Fact]
    public void A_charge_that_reclaims_at_its_limit_is_stalled_and_reclaim_on_demand_is_not()
    {
        _middle.Memory.MaxBytes = 10_000;
        using TestCache cache = new TestCache(_middle).Fill(10_000);
        cache.Instead = (_, target) =>
        {
            Pass(50);
            return cache.Free(target);
        };
        _leaf.Charge(MemoryKind.User, 100);
        int calls = cache.Asked.Count;
        Assert.Equal(50 * calls, Milliseconds(_leaf.ReadPressure().SomeTotal));
        Assert.Equal(50 * calls, Milliseconds(_controller.Root.ReadPressure().SomeTotal));
        _middle.Reclaim(10);
        Assert.Equal(50 * calls, Milliseconds(_leaf.ReadPressure().SomeTotal));
    }

    [Fact]
    public void The_stall_of_a_removed_group_ends_above_it()
    {
        PressureScope scope = PressureScope.Enter(_leaf);
        Pass(10);
        _leaf.Remove();
        Pass(10);
        scope.Dispose();
        Pass(10);
        Assert.Equal(20, Milliseconds(_middle.ReadPressure().SomeTotal));
    }

    private void Pass(int milliseconds) => _time.Advance(TimeSpan.FromMilliseconds(milliseconds));

    private static int Milliseconds(TimeSpan time) => (int)time.TotalMilliseconds;

    private static (int Some, int Full) SomeAndFull(MemoryGroup group)
    {
        MemoryPressure pressure = group.ReadPressure();
        return (Milliseconds(pressure.SomeTotal), Milliseconds(pressure.FullTotal));
    }
}
