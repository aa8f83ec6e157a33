using Allot.Tests.Reclaim;

namespace Allot.Tests.Policies;

/// <summary>What a policy decides at each point, and what it cannot break.</summary>
public sealed class MemoryPolicyTests
{
    private const long Limit = 1_000;

    private readonly SkippingTime _time = new();
    private readonly MemoryController _controller;
    private readonly MemoryGroup _middle;
    private readonly MemoryGroup _leaf;

    public MemoryPolicyTests()
    {
        _controller = new MemoryController(options: new() { Time = _time, HighDelayMax = TimeSpan.FromSeconds(2) });
        _middle = _controller.Root.CreateChild("a");
        _leaf = _middle.CreateChild("b");
    }

    [Fact]
    public void Room_that_a_policy_makes_saves_the_charge()
    {
        _middle.Memory.MaxBytes = Limit;
        MemoryCharge cache = _middle.Hold(MemoryKind.User, 900);
        PolicyNotice seen = default;
        using IDisposable attached = _middle.Attach(new MemoryPolicy
        {
            OutOfMemory = notice =>
            {
                seen = notice;
                cache.Dispose();
                return true;
            },
        });
        _leaf.Charge(MemoryKind.User, 500);
        Assert.Equal(500, _middle.Memory.CurrentBytes);
        Assert.Equal(1, _middle.ReadLocalEvents().Oom);
        Assert.Equal(
            new PolicyNotice(PolicyPoint.OutOfMemory, _middle, _leaf, CounterKind.Memory, 500, 900, Limit), seen);
    }

    [Fact]
    public void A_move_to_another_tree_is_told_once()
    {
        var told = new List<long>();
        using IDisposable attached = _middle.Attach(new MemoryPolicy
        {
            Charged = notice =>
            {
                told.Add(notice.Bytes);
                return TimeSpan.Zero;
            },
        });
        var elsewhere = new MemoryController();
        using MemoryCharge held = elsewhere.Root.Hold(MemoryKind.User, 300);
        held.TransferTo(_leaf);
        Assert.Equal([300], told);
    }

    [Fact]
    public void A_policy_without_points_goes_with_its_group()
    {
        using IDisposable attached = _leaf.Attach(new MemoryPolicy());
        _leaf.Remove();
        Assert.Null(_leaf.Policy?.Watcher);
    }

    [Fact]
    public void One_policy_that_takes_the_place_of_another_is_told_of_charges()
    {
        int told = 0;
        IDisposable first = _leaf.Attach(new MemoryPolicy { Uncharged = _ => told += 100 });
        first.Dispose();
        using IDisposable second = _leaf.Attach(new MemoryPolicy { Uncharged = _ => told++ });
        first.Dispose();
        _leaf.Charge(MemoryKind.User, 1);
        _leaf.Uncharge(MemoryKind.User, 1);
        Assert.Equal(1, told);
    }

    [Fact]
    public void Several_that_run_out_at_once_ask_as_long_as_there_is_no_room()
    {
        const int Threads = 4;
        _middle.Memory.MaxBytes = Limit;
        MemoryCharge[] tenants = [.. Enumerable.Range(0, 4).Select(_ => _middle.Hold(MemoryKind.User, 250))];
        int next = 0;
        using IDisposable attached = _middle.Attach(new MemoryPolicy
        {
            OutOfMemory = _ =>
            {
                tenants[next++].Dispose();
                return true;
            },
        });
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(_ => new Thread(() => _leaf.Charge(MemoryKind.User, 50)))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
        Assert.Equal(1, next);
        foreach (MemoryCharge tenant in tenants) tenant.Dispose();
    }

    [Fact]
    public void Policies_are_asked_from_the_limit_up_to_the_root_until_one_has_made_room()
    {
        _leaf.Memory.MaxBytes = Limit;
        MemoryCharge cache = _leaf.Hold(MemoryKind.User, 900);
        var asked = new List<string>();
        Attach(_leaf, "leaf", () => true);            // claims, and no counter shows it
        Attach(_middle, "middle", () => false);
        Attach(_controller.Root, "root", () =>
        {
            cache.Dispose();
            return true;
        });
        _leaf.Charge(MemoryKind.User, 500);
        Assert.Equal(["leaf", "middle", "root"], asked);

        void Attach(MemoryGroup group, string name, Func<bool> answer) => group.Attach(new MemoryPolicy
        {
            OutOfMemory = _ =>
            {
                asked.Add(name);
                return answer();
            },
        });
    }

    [Fact]
    public void A_claim_that_no_counter_shows_is_worth_nothing()
    {
        _middle.Memory.MaxBytes = Limit;
        int asked = 0;
        using IDisposable attached = _controller.Root.Attach(new MemoryPolicy { OutOfMemory = _ => ++asked > 0 });
        _leaf.Charge(MemoryKind.User, 900);
        Assert.Throws<MemoryLimitExceededException>(() => _leaf.Charge(MemoryKind.User, 500));
        Assert.Equal(1, asked);
    }

    [Fact]
    public void Every_charge_below_is_told_and_every_uncharge_whatever_threads_hold_in_advance()
    {
        for (int i = 0; i < 1_000; i++) _leaf.Charge(MemoryKind.User, 10);
        long charged = 0, uncharged = 0;
        IDisposable attached = _middle.Attach(new MemoryPolicy
        {
            Charged = notice =>
            {
                charged += notice.Bytes;
                return TimeSpan.Zero;
            },
            Uncharged = notice => uncharged += notice.Bytes,
        });
        Assert.Equal(0, _leaf.Memory.ReservedBytes);
        for (int i = 0; i < 1_000; i++)
        {
            _leaf.Charge(MemoryKind.User, 10);
            Assert.True(_leaf.TryCharge(MemoryKind.Kernel, 3, out _));
            _leaf.ForceCharge(MemoryKind.User, 1);
            _leaf.Uncharge(MemoryKind.User, 11);
            _leaf.Uncharge(MemoryKind.Kernel, 3);
        }

        Assert.Equal((14_000, 14_000), (charged, uncharged));
        using (MemoryCharge handle = _leaf.Hold(MemoryKind.Kernel, 100))
        {
            handle.Resize(300);
            handle.Shrink(50);
            handle.TransferTo(_middle);
        }

        Assert.Equal((14_550, 14_550), (charged, uncharged));
        attached.Dispose();
        for (int i = 0; i < 1_000; i++) _leaf.Charge(MemoryKind.User, 10);
        Assert.Equal((14_550, 14_550), (charged, uncharged));
        Assert.NotEqual(0, _leaf.Memory.ReservedBytes);   // as before
    }

    [Fact]
    public async Task Only_a_charge_that_may_wait_is_delayed_and_for_no_longer_than_the_bound()
    {
        TimeSpan wanted = TimeSpan.FromMilliseconds(300);
        _middle.Attach(new MemoryPolicy { Charged = _ => wanted });
        Assert.True(_leaf.TryCharge(MemoryKind.User, 1, out _));
        _leaf.ForceCharge(MemoryKind.User, 1);
        using (AllocationScope.Atomic()) _leaf.Charge(MemoryKind.User, 1);
        Assert.Equal(TimeSpan.Zero, _time.Slept);
        _leaf.Charge(MemoryKind.User, 1);
        Assert.Equal(wanted, _time.Slept);
        await _leaf.ChargeAsync(MemoryKind.User, 1, TestContext.Current.CancellationToken);
        Assert.Equal(2 * wanted, _time.Slept);
        wanted = TimeSpan.MaxValue;
        _leaf.Charge(MemoryKind.User, 1);
        Assert.Equal(TimeSpan.FromMilliseconds(2_600), _time.Slept);
        wanted = TimeSpan.MinValue;
        _leaf.Charge(MemoryKind.User, 1);
        Assert.Equal(TimeSpan.FromMilliseconds(2_600), _time.Slept);
        Assert.Equal(7, _leaf.Memory.CurrentBytes);
    }

    [Fact]
    public void A_policy_cannot_charge_the_group_that_it_is_told_about()
    {
        ChargeRefusal refusal = default;
        int told = 0;
        _controller.Root.Attach(new MemoryPolicy
        {
            Charged = _ =>
            {
                told++;
                _middle.CreateChild($"other{told}").Charge(MemoryKind.User, 5);   // elsewhere it may
                Assert.False(_leaf.TryCharge(MemoryKind.User, 1, out refusal));
                _leaf.Charge(MemoryKind.User, 1);
                return TimeSpan.Zero;
            },
        });
        _leaf.Charge(MemoryKind.User, 100);
        Assert.Equal(1, told);
        Assert.Equal(RefusalReason.InPolicy, refusal.Reason);
        Assert.Contains("policy", refusal.ToString(), StringComparison.Ordinal);
        Assert.Equal(1, _controller.Root.ReadLocalEvents().PolicyErrors);   // the Charge has thrown
        Assert.Equal((100, 105), (_leaf.Memory.CurrentBytes, _middle.Memory.CurrentBytes));
    }

    [Fact]
    public void The_nearest_policy_decides_the_delay_above_a_high_limit()
    {
        const long MiB = 1 << 20;
        _middle.HighBytes = 100 * MiB;
        PolicyNotice seen = default;
        TimeSpan answer = TimeSpan.FromMilliseconds(700);
        _controller.Root.Attach(new MemoryPolicy { OverHigh = _ => TimeSpan.FromSeconds(1) });
        IDisposable nearest = _middle.Attach(new MemoryPolicy
        {
            OverHigh = notice =>
            {
                seen = notice;
                return answer;
            },
        });
        _leaf.ForceCharge(MemoryKind.User, (110 * MiB) - (64 * 4096));
        _leaf.Charge(MemoryKind.User, 64 * 4096);
        Assert.Equal(700, _time.Slept.TotalMilliseconds);
        Assert.Equal((PolicyPoint.OverHigh, _middle, _leaf), (seen.Point, seen.Group, seen.Requester));
        Assert.Equal((110 * MiB, 100 * MiB), (seen.CurrentBytes, seen.LimitBytes));
        Assert.Equal(639, (int)seen.Delay.TotalMilliseconds);   // that of the formula
        answer = TimeSpan.MaxValue;
        _leaf.Charge(MemoryKind.User, 64 * 4096);
        Assert.Equal(2_700, _time.Slept.TotalMilliseconds);
        nearest.Dispose();
        _leaf.Charge(MemoryKind.User, 64 * 4096);
        Assert.Equal(3_700, _time.Slept.TotalMilliseconds);
    }

    [Theory]
    [InlineData(true, 0, 50)]
    [InlineData(false, 50, 0)]
    public void What_a_policy_protects_is_reclaimed_only_when_nothing_else_is_left(bool protects, long fromA, long fromB)
    {
        MemoryGroup other = _controller.Root.CreateChild("c");
        var cacheA = Cache(_leaf, 100);
        var cacheB = Cache(other, protects ? 100 : 0);
        _middle.Attach(new MemoryPolicy { BelowLow = notice => protects && notice.Group == _leaf });
        Assert.True(_controller.Root.Reclaim(50) >= 50);
        Assert.True(100 - _leaf.Memory.CurrentBytes >= fromA);
        Assert.True((protects ? 100 : 0) - other.Memory.CurrentBytes >= fromB);
        if (!protects) return;
        Assert.Equal(100, _leaf.Memory.CurrentBytes);
        _controller.Root.Reclaim(1_000);
        Assert.Equal(0, _leaf.Memory.CurrentBytes);   // low gives way
        Assert.True(_leaf.ReadLocalEvents().Low > 0);
        GC.KeepAlive((cacheA, cacheB));
    }

    [Fact]
    public void Min_protection_by_a_policy_never_gives_way()
    {
        var cache = Cache(_leaf, 100);
        IDisposable attached = _middle.Attach(new MemoryPolicy { BelowMin = _ => true });
        Assert.Equal(0, _controller.Root.Reclaim(50));
        attached.Dispose();
        Assert.InRange(_controller.Root.Reclaim(50), 50, 100);
        GC.KeepAlive(cache);
    }

    [Fact]
    public void False_leaves_the_protection_that_is_set()
    {
        var cache = Cache(_leaf, 100);
        _leaf.MinBytes = 100;
        _middle.MinBytes = 100;
        _middle.Attach(new MemoryPolicy { BelowMin = _ => false, BelowLow = _ => false });
        Assert.Equal(0, _controller.Root.Reclaim(50));
        GC.KeepAlive(cache);
    }

    [Fact]
    public void Creation_and_removal_are_told_below_and_the_policy_ends_with_its_group()
    {
        var told = new List<string>();
        _middle.Attach(new MemoryPolicy
        {
            GroupCreated = notice => told.Add($"+{notice.Group.Path}"),
            GroupRemoved = notice => told.Add($"-{notice.Group.Name}"),
        });
        MemoryGroup x = _leaf.CreateChild("x");
        _controller.Root.CreateChild("elsewhere").Remove();
        x.Remove();
        _leaf.Remove();
        Assert.NotEqual(0, _controller.WatchedPoints);
        _middle.Remove();
        Assert.Equal(["+/a/b/x", "-x", "-b", "-a"], told);
        Assert.Equal(0, _controller.WatchedPoints);
        Assert.Throws<InvalidOperationException>(() => _middle.Attach(new MemoryPolicy()));
    }

    [Fact]
    public void What_throws_is_counted_and_the_default_is_done()
    {
        _middle.Memory.MaxBytes = Limit;
        _middle.Attach(new MemoryPolicy
        {
            OutOfMemory = _ => throw new InvalidOperationException("test"),
            Charged = _ => throw new InvalidOperationException("test"),
            Uncharged = _ => throw new InvalidOperationException("test"),
            GroupCreated = _ => throw new InvalidOperationException("test"),
            GroupRemoved = _ => throw new InvalidOperationException("test"),
        });
        _middle.CreateChild("c").Remove();
        _leaf.Charge(MemoryKind.User, 900);
        Assert.Throws<MemoryLimitExceededException>(() => _leaf.Charge(MemoryKind.User, 900));
        _leaf.Uncharge(MemoryKind.User, 900);
        Assert.Equal(5, _middle.ReadLocalEvents().PolicyErrors);
        Assert.Equal(0, _middle.Memory.CurrentBytes);
    }

    [Fact]
    public void A_group_has_one_policy_and_disposing_twice_is_harmless()
    {
        IDisposable first = _leaf.Attach(new MemoryPolicy { Charged = _ => TimeSpan.Zero });
        Assert.Throws<InvalidOperationException>(() => _leaf.Attach(new MemoryPolicy()));
        first.Dispose();
        using IDisposable second = _leaf.Attach(new MemoryPolicy { BelowLow = _ => true });
        first.Dispose();
        Assert.NotEqual(0, _controller.WatchedPoints);
    }

    [Fact]
    public void A_tree_without_a_policy_asks_nobody_and_allocates_nothing()
    {
        for (int i = 0; i < 100; i++) ChargeAndBack();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1_000; i++) ChargeAndBack();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.Equal(0, _controller.WatchedPoints);

        void ChargeAndBack()
        {
            _leaf.Charge(MemoryKind.User, 10_000_000);   // too large for what a thread holds: it goes to the tree
            _leaf.Uncharge(MemoryKind.User, 10_000_000);
        }
    }

    private static TestCache Cache(MemoryGroup group, int bytes)
    {
        var cache = new TestCache(group);
        cache.Fill(bytes);
        return cache;
    }
}
