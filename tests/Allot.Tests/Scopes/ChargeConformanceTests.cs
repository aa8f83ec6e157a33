using static Allot.AllocationFlags;

namespace Allot.Tests.Scopes;

/// <summary>What charges do in scopes, by the ids of docs/reference/scopes.md.</summary>
[Collection(ChecksSwitch.Name)]
public sealed class ChargeConformanceTests
{
    private readonly MemoryController _controller = new(options: new()
    {
        OutOfMemoryPolicy = OutOfMemoryPolicy.Largest,
        OutOfMemoryGrace = TimeSpan.Zero,
    });

    private readonly MemoryGroup _group;

    public ChargeConformanceTests() => _group = _controller.Root.CreateChild("g", new() { MaxBytes = 1000 });

    [Fact]
    public async Task B25_in_atomic_what_does_not_fit_is_refused_at_once()
    {
        var cache = new NeedyReclaimer(_group, 1000);
        Task waiting = RefuseAtOnce();
        Assert.Equal((0, 1000), (cache.Calls, _group.Memory.CurrentBytes));
        Assert.Equal(0, _group.ReadEvents().Oom);
        await Assert.ThrowsAsync<MemoryLimitExceededException>(() => waiting);

        Task RefuseAtOnce()
        {
            using ThreadScope atomic = AllocationScope.Atomic();
            Assert.Throws<MemoryLimitExceededException>(() => _group.Charge(MemoryKind.User, 1));
            Assert.Throws<MemoryLimitExceededException>(() => _group.Charge(MemoryKind.User, 1, NoWait));
            Assert.Equal(0, _group.Reclaim(1));
            Task charging = ChargeAsync(1);
            Assert.True(charging.IsFaulted);
            return charging;
        }
    }

    [Fact]
    public void B25_in_atomic_nothing_is_delayed_above_a_high_limit()
    {
        var time = new Reclaim.SkippingTime();
        var controller = new MemoryController(options: new() { Time = time });
        MemoryGroup high = controller.Root.CreateChild("high", new() { HighBytes = 1000 });
        using (AllocationScope.Atomic()) high.Charge(MemoryKind.User, 1 << 20);
        Assert.Equal(TimeSpan.Zero, time.Slept);
        high.Charge(MemoryKind.User, 1 << 20);
        Assert.NotEqual(TimeSpan.Zero, time.Slept);
    }

    [Fact]
    public void B25_an_urgent_request_that_cannot_wait_passes_the_limit()
    {
        _group.Charge(MemoryKind.User, 1000);
        _group.Charge(MemoryKind.User, 10, Atomic);
        Assert.Equal(1, _group.ReadEvents().MemoryForced);
        Assert.Throws<MemoryLimitExceededException>(() => _group.Charge(MemoryKind.User, 10, Atomic | NoReserve));
        Assert.Equal(1010, _group.Memory.CurrentBytes);
    }

    [Fact]
    public void B26_what_must_succeed_throws_in_atomic_with_and_without_room()
    {
        using ThreadScope atomic = AllocationScope.Atomic();
        Assert.Throws<MustSucceedInAtomicException>(() => _group.Charge(MemoryKind.User, 1, Kernel | MustSucceed));
        Assert.Throws<MustSucceedInAtomicException>(
            () => AmbientCharging.Charge(MemoryKind.User, 1, KernelAccount | MustSucceed));
        Assert.Throws<MustSucceedInAtomicException>(() => AllocationContext.MightAllocate(Kernel | MustSucceed));
        Assert.Throws<ArgumentException>(() => _group.Charge(MemoryKind.User, 1, NoWait | MustSucceed));
        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    [Fact]
    public void B27_what_must_succeed_in_NoReclaim_passes_the_limit_and_is_reported_once()
    {
        using var checks = new ChecksOn();
        _group.Charge(MemoryKind.User, 1000);
        using ThreadScope scope = AllocationScope.NoReclaim();
        for (int i = 0; i < 3; i++) _group.Charge(MemoryKind.User, 1, Kernel | MustSucceed);
        Assert.Equal(1003, _group.Memory.CurrentBytes);
        Assert.Equal(AllocationReportKind.MustSucceedWithoutReclaim, Assert.Single(checks.Reports).Kind);
    }

    [Fact]
    public void B27_what_must_succeed_passes_the_limit_in_the_end()
    {
        var cache = new NeedyReclaimer(_group, 500);
        _group.Charge(MemoryKind.User, 1500, Kernel | MustSucceed);
        Assert.InRange(cache.Calls, 0, 0);   // larger than the limit: no cache is emptied for what never fits
        _group.Charge(MemoryKind.User, 100, Kernel | MustSucceed);
        Assert.InRange(cache.Calls, 1, int.MaxValue);
        Assert.Equal(MemoryGroupState.Killed, _group.State);   // the policy was asked before the limit was passed
    }

    [Fact]
    public void B28_MightAllocate_reports_in_atomic_with_both_places_and_although_nothing_is_allocated()
    {
        using var checks = new ChecksOn();
        using ThreadScope atomic = AllocationScope.Atomic();
        AllocationContext.MightAllocate(NoWait);
        Assert.Empty(checks.Reports);
        for (int i = 0; i < 3; i++) AllocationContext.MightAllocate(Kernel);
        AllocationReport report = Assert.Single(checks.Reports);
        Assert.Equal(AllocationReportKind.BlockingInAtomic, report.Kind);
        Assert.Contains(nameof(B28_MightAllocate_reports_in_atomic_with_both_places_and_although_nothing_is_allocated),
            report.FirstStack, StringComparison.Ordinal);
        Assert.Contains(nameof(ChargeConformanceTests), report.SecondStack, StringComparison.Ordinal);

        // Nothing is left out that an optimized build inlines: then the place itself would be left out.
        Assert.StartsWith("   at Allot.AllocationScope.", report.FirstStack, StringComparison.Ordinal);
        Assert.StartsWith("   at Allot.AllocationContext.MightAllocate(", report.SecondStack, StringComparison.Ordinal);
    }

    [Fact]
    public void B28_MightAllocate_throws_where_allocations_are_denied()
    {
        using var checks = new ChecksOn();
        using ThreadScope denied = AllocationScope.DenyAllocations();
        Assert.Throws<AllocationDeniedException>(() => AllocationContext.MightAllocate(NoWait));
    }

    [Fact]
    public void B29_without_the_checks_MightAllocate_does_nothing()
    {
        using var checks = new ChecksOn(isEnabled: false);
        using ThreadScope atomic = AllocationScope.Atomic();
        using ThreadScope denied = AllocationScope.DenyAllocations();
        AllocationContext.MightAllocate(Kernel);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++) AllocationContext.MightAllocate(Kernel);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Empty(checks.Reports);
    }

    [Fact]
    public void B30_a_reclaimer_runs_in_NoReclaim_charges_its_own_group_and_is_not_called_again()
    {
        MemoryGroup other = _controller.Root.CreateChild("other");
        int depth = 0, deepest = 0;
        (AllocationRestrictions Restrictions, MemoryGroup? Group) seen = default;
        var cache = new NeedyReclaimer(_group, 1000);
        cache.WhenCalled = () =>
        {
            deepest = Math.Max(deepest, ++depth);
            seen = (AllocationContext.Restrictions, MemoryGroup.Current);
            Assert.Equal(_group, AmbientCharging.Charge(MemoryKind.User, 7));
            _group.Uncharge(MemoryKind.User, 7);
            depth--;
        };
        using (other.Enter())
        using (AllocationScope.NoFs())
        {
            _group.Charge(MemoryKind.User, 100);
            Assert.Equal((AllocationRestrictions.NoFs, other), (AllocationContext.Restrictions, MemoryGroup.Current));
        }

        Assert.Equal((AllocationRestrictions.NoReclaim | AllocationRestrictions.NoFs, _group), seen);
        Assert.Equal((1, 0), (deepest, _group.ReadEvents().ReclaimErrors));
    }

    [Fact]
    public void B30_scopes_that_a_reclaimer_forgets_end_with_it()
    {
        var cache = new NeedyReclaimer(_group, 1000);
        cache.WhenCalled = () =>
        {
            _ = AllocationScope.Atomic();
            _ = _controller.Root.Enter();
        };
        _group.Charge(MemoryKind.User, 100);
        Assert.NotEqual(0, cache.Calls);
        Assert.Equal(AllocationRestrictions.None, AllocationContext.Restrictions);
        Assert.Null(MemoryGroup.Current);
    }

    [Fact]
    public void B30_flowing_scopes_that_a_reclaimer_forgets_or_leaves_end_with_it()
    {
        using FlowingScope scope = FlowingScope.NoPin();
        using (FlowingScope group = _controller.Root.EnterFlow())
        {
            int calls = 0;
            var cache = new NeedyReclaimer(_group, 1000);
            cache.WhenCalled = () =>
            {
                if (calls++ == 0) group.Dispose();   // not its own
                _ = FlowingScope.NoFs();
                _ = _group.EnterFlow();
            };
            _group.Charge(MemoryKind.User, 100);
            Assert.NotEqual(0, cache.Calls);
            Assert.Equal(AllocationRestrictions.NoPin, AllocationContext.Restrictions);
            Assert.Same(_controller.Root, MemoryGroup.Current);
            Assert.Throws<ScopeMisuseException>(group.Dispose);
        }

        Assert.Null(MemoryGroup.Current);
        Assert.Equal(AllocationRestrictions.NoPin, AllocationContext.Restrictions);
    }

    [Theory]
    [InlineData(ReclaimNeeds.FileSystem, AllocationRestrictions.NoFs)]
    [InlineData(ReclaimNeeds.FileSystem, AllocationRestrictions.NoIo)]
    [InlineData(ReclaimNeeds.Io, AllocationRestrictions.NoIo)]
    public async Task B30_a_reclaimer_that_needs_what_the_scope_forbids_is_not_called(
        ReclaimNeeds needs, AllocationRestrictions scope)
    {
        MemoryGroup group = _controller.Root.CreateChild(
            "other", new() { MaxBytes = 1000, OutOfMemoryPriority = OutOfMemoryPolicy.NeverKilled });
        var needy = new NeedyReclaimer(group, 1000, needs);
        using (AllocationScope.Enter(scope))
        {
            Assert.Throws<MemoryLimitExceededException>(() => group.Charge(MemoryKind.User, 10));
            Assert.Throws<MemoryLimitExceededException>(() => { using MemoryCharge held = group.Hold(MemoryKind.User, 10); });
            Assert.Equal(0, group.Reclaim(10));
        }

        using (var cancellation = new CancellationTokenSource())
        {
            Task waiting = ChargeInScope();
            await cancellation.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);

            Task ChargeInScope()
            {
                using ThreadScope entered = AllocationScope.Enter(scope);
                return group.ChargeAsync(MemoryKind.User, 10, cancellation.Token).AsTask();
            }
        }

        Assert.Equal(0, needy.Calls);
        group.Charge(MemoryKind.User, 10);
        Assert.NotEqual(0, needy.Calls);
    }

    [Fact]
    public void B31_a_lock_taken_in_a_reclaimer_and_held_around_a_charge_is_reported_once_with_both_places()
    {
        using var checks = new ChecksOn();
        var engine = new ScopedLock(AllocationRestrictions.None, "engine");
        var cache = new NeedyReclaimer(_group, 1000) { WhenCalled = () => { using (engine.Enter()) { } } };
        _group.Charge(MemoryKind.User, 10);   // reclaims: the first fact
        Assert.Empty(checks.Reports);
        for (int i = 0; i < 3; i++)
        {
            using ScopedLock.Holder held = engine.Enter();
            using (AllocationScope.NoReclaim()) _group.Charge(MemoryKind.User, 1);
            _group.Charge(MemoryKind.User, 1, Kernel | NoOrderCheck);
            _ = _group.TryCharge(MemoryKind.User, 1, out _);
            if (i == 0) Assert.Empty(checks.Reports);
            ChargeUnderLock();
        }

        AllocationReport report = Assert.Single(checks.Reports);
        Assert.Equal(AllocationReportKind.LockInReclaim, report.Kind);
        Assert.Contains(nameof(NeedyReclaimer), report.FirstStack, StringComparison.Ordinal);
        Assert.Contains(nameof(ChargeUnderLock), report.SecondStack, StringComparison.Ordinal);
        Assert.Contains("'engine'", report.Message, StringComparison.Ordinal);
        Assert.NotEqual(0, cache.Calls);

        // There is room: what could happen is reported, not what has.
        void ChargeUnderLock() => _group.Charge(MemoryKind.User, 1);
    }

    [Fact]
    public void B31_a_lock_that_carries_the_scope_of_the_reclaimer_is_not_reported()
    {
        using var checks = new ChecksOn();
        MemoryGroup group = _controller.Root.CreateChild("other", new() { MaxBytes = 1000 });
        var engine = new ScopedLock(AllocationRestrictions.NoFs, "engine");
        _ = new NeedyReclaimer(group, 1000, ReclaimNeeds.FileSystem)
        {
            WhenCalled = () => { using (engine.Enter()) { } },
        };
        group.Charge(MemoryKind.User, 10);
        using (engine.Enter()) group.Charge(MemoryKind.User, 0);
        Assert.Empty(checks.Reports);
    }

    [Fact]
    public void B31_a_lock_that_a_reclaimer_only_tries_to_take_is_not_reported()
    {
        using var checks = new ChecksOn();
        var engine = new ScopedLock(AllocationRestrictions.None, "engine");
        int taken = 0;
        _ = new NeedyReclaimer(_group, 1000)
        {
            WhenCalled = () =>
            {
                if (!engine.TryEnter(out ScopedLock.Holder held)) return;
                taken++;
                held.Dispose();
            },
        };
        _group.Charge(MemoryKind.User, 10);
        using (engine.Enter()) _group.Charge(MemoryKind.User, 1);
        Assert.NotEqual(0, taken);
        Assert.Empty(checks.Reports);

        // Held around a charge it counts, however it was taken.
        var other = new ScopedLock(AllocationRestrictions.None, "other");
        MemoryGroup group = _controller.Root.CreateChild("other", new() { MaxBytes = 1000 });
        _ = new NeedyReclaimer(group, 1000) { WhenCalled = () => { using (other.Enter()) { } } };
        group.Charge(MemoryKind.User, 10);
        Assert.True(other.TryEnter(out ScopedLock.Holder tried));
        group.Charge(MemoryKind.User, 1);
        tried.Dispose();
        Assert.Equal(AllocationReportKind.LockInReclaim, Assert.Single(checks.Reports).Kind);
    }

    [Fact]
    public void B32_a_copy_of_a_holder_does_not_give_back_the_lock_of_an_outer_one()
    {
        var transaction = new ScopedLock(AllocationRestrictions.NoIo);
        using (transaction.Enter())
        {
            ScopedLock.Holder inner = transaction.Enter();
            ScopedLock.Holder copy = inner;
            inner.Dispose();
            copy.Dispose();
            Assert.True(transaction.IsHeldByCurrentThread);
            Assert.Equal(AllocationRestrictions.NoIo, AllocationContext.Restrictions);
        }

        Assert.False(transaction.IsHeldByCurrentThread);
    }

    [Fact]
    public void B32_a_lock_enters_its_scope_and_leaves_it_when_it_was_left_as_often_as_taken()
    {
        var transaction = new ScopedLock(AllocationRestrictions.NoIo);
        using (transaction.Enter())
        {
            Assert.True(transaction.IsHeldByCurrentThread);
            Assert.Equal(AllocationRestrictions.NoIo, AllocationContext.Restrictions);
            using (transaction.Enter()) Assert.Equal(AllocationRestrictions.NoIo, AllocationContext.Restrictions);
            Assert.Equal(AllocationRestrictions.NoIo, AllocationContext.Restrictions);
            bool isTakenThere = true;
            var other = new Thread(() =>
            {
                isTakenThere = transaction.TryEnter(out ScopedLock.Holder none);
                none.Dispose();
            });
            other.Start();
            other.Join();
            Assert.False(isTakenThere);
        }

        Assert.False(transaction.IsHeldByCurrentThread);
        Assert.Equal(AllocationRestrictions.None, AllocationContext.Restrictions);
        Assert.Throws<ArgumentOutOfRangeException>(() => new ScopedLock(AllocationRestrictions.BlockAccounting));
    }

    [Fact]
    public void B33_where_allocations_are_denied_every_charge_throws_and_AllowAllocations_permits_again()
    {
        using var checks = new ChecksOn();
        Warm();
        using (AllocationScope.DenyAllocations())
        {
            AssertDenied();
            using (AllocationScope.AllowAllocations())
            {
                _group.Charge(MemoryKind.User, 1);
                _group.Uncharge(MemoryKind.User, 1);
            }

            AssertDenied();
            _group.Uncharge(MemoryKind.User, 1);   // giving back is allowed
        }

        _group.Charge(MemoryKind.User, 1);
        Assert.Equal(100, _group.Memory.CurrentBytes);

        void AssertDenied()
        {
            Throws(() => _group.Charge(MemoryKind.User, 1));
            Throws(() => _group.Charge(MemoryKind.Kernel, 1, Kernel));
            Throws(() => _group.ForceCharge(MemoryKind.User, 1));
            Throws(() => _group.TryCharge(MemoryKind.User, 1, out _));
            Throws(() => _group.TryPin(PinKind.Locked, 1, out _));
            Throws(() => _group.Handle().Charge(1));
            Throws(() => _group.Hold(MemoryKind.User, 1));
            Throws(() => _ = ChargeAsync(1));
            Throws(() => AmbientCharging.Charge(MemoryKind.User, 1));
            Assert.Equal(0, _group.Pins.CurrentBytes);
        }

        static void Throws(Action action)
        {
            var denied = Assert.Throws<AllocationDeniedException>(action);
            Assert.Contains(nameof(B33_where_allocations_are_denied_every_charge_throws_and_AllowAllocations_permits_again),
                denied.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void B33_groups_that_are_paid_for_and_transfers_are_denied_as_well()
    {
        using var checks = new ChecksOn();
        var paying = new MemoryController(options: new() { ChargesGroupMetadata = true });
        using MemoryCharge charge = _group.Hold(MemoryKind.User, 100);
        MemoryGroup[] targets = [_controller.Root.CreateChild("t"), paying.Root.CreateChild("t")];
        using (AllocationScope.DenyAllocations())
        {
            Assert.Throws<AllocationDeniedException>(() => { paying.Root.CreateChild("x"); });
            Assert.All(targets, target =>
                Assert.Throws<AllocationDeniedException>(() => charge.TryTransferTo(target, out _)));
            charge.TransferTo(_group);   // where it is
            _controller.Root.CreateChild("free");
        }

        Assert.Equal(100, _group.Memory.CurrentBytes);
        Assert.All(targets, charge.TransferTo);
        Assert.Equal(100, targets[1].Memory.CurrentBytes);
    }

    [Fact]
    public void B33_a_handle_that_was_made_before_is_denied_as_well()
    {
        using var checks = new ChecksOn();
        Warm();
        GroupHandle handle = _group.Handle();
        handle.Charge(1);
        bool isDenied = false;
        using (AllocationScope.DenyAllocations())
        {
            try
            {
                handle.Charge(1);
            }
            catch (AllocationDeniedException)
            {
                isDenied = true;
            }
        }

        Assert.True(isDenied);
        handle.Charge(1);
        Assert.Equal(102, _group.Memory.CurrentBytes);
    }

    [Fact]
    public void B33_denied_is_a_check_and_without_the_checks_nothing_is_denied()
    {
        using var checks = new ChecksOn(isEnabled: false);
        using ThreadScope denied = AllocationScope.DenyAllocations();
        _group.Charge(MemoryKind.User, 1);
        Assert.Equal(1, _group.Memory.CurrentBytes);
    }

    [Fact]
    public void B34_where_accounting_is_blocked_charges_succeed_and_no_group_changes()
    {
        Warm();
        using (_group.Enter())
        using (AllocationScope.BlockAccounting())
        {
            GroupHandle handle = _group.Handle();
            handle.Charge(1 << 20);
            handle.Uncharge(1 << 20);
            _group.Charge(MemoryKind.User, 1 << 20);
            _group.ForceCharge(MemoryKind.Kernel, 1 << 20);
            Assert.True(_group.TryCharge(MemoryKind.Kernel, 1 << 20, out _));
            Assert.True(_group.TryPin(PinKind.Pinned, 1 << 20, out _));
            Assert.True(ChargeAsync(1 << 20).IsCompletedSuccessfully);
            Assert.Null(AmbientCharging.Charge(MemoryKind.User, 1 << 20));
            Assert.Equal((100, 0, 0), (_group.Memory.CurrentBytes, _group.Kernel.CurrentBytes, _group.Pins.CurrentBytes));
            for (int i = 0; i < 2; i++) _group.Uncharge(MemoryKind.User, 1 << 20);
            _group.Unpin(PinKind.Pinned, 1 << 20);
        }

        Assert.Equal(100, _group.Memory.CurrentBytes);
        Assert.Equal(0, _group.ReadEvents().AccountingErrors);
    }

    [Fact]
    public void B34_blocked_accounting_nests_and_ends_in_a_reclaimer()
    {
        Warm();
        var cache = new NeedyReclaimer(_group, 800);
        using (AllocationScope.BlockAccounting())
        {
            using (AllocationScope.BlockAccounting()) _group.Charge(MemoryKind.User, 1);
            using (AllocationScope.NoFs()) _group.Charge(MemoryKind.User, 1);
            Assert.Equal(300, _group.Reclaim(300));   // what reclaimers give back is counted
            _group.Charge(MemoryKind.User, 1);
            Assert.Equal(600, _group.Memory.CurrentBytes);
        }

        Assert.NotEqual(0, cache.Calls);
        Assert.False(ThreadReserves.IsPaused);
        _group.Charge(MemoryKind.User, 1);
        Assert.Equal(601, _group.Memory.CurrentBytes);
    }

    [Fact]
    public void B34_an_owner_remembers_what_nobody_has_paid_for()
    {
        MemoryGroup other = _group.CreateChild("other");
        using MemoryCharge before = _group.Hold(MemoryKind.User, 100);
        MemoryCharge inside;
        using (AllocationScope.BlockAccounting())
        {
            inside = _group.Hold(MemoryKind.User, 1 << 20);
            before.Grow(50);
            before.Shrink(60);   // 50 that nobody paid for, and 10 of the others
            Assert.Equal(90, _group.Memory.CurrentBytes);
        }

        inside.Grow(5);
        Assert.Equal((95, (1 << 20) + 5), (_group.Memory.CurrentBytes, inside.Bytes));
        inside.TransferTo(other);
        Assert.Equal(5, other.Memory.CurrentBytes);
        inside.Dispose();
        using (AllocationScope.BlockAccounting()) before.Dispose();
        Assert.Equal(0, _group.Memory.CurrentBytes);
        Assert.Equal(0, _controller.Root.ReadEvents().AccountingErrors);
    }

    [Fact]
    public void B35_in_NoThrowOnLimit_the_limit_is_passed_and_counted()
    {
        _group.Charge(MemoryKind.User, 1000);
        using MemoryCharge held = _group.Hold(MemoryKind.User);
        using (AllocationScope.NoThrowOnLimit())
        {
            _group.Charge(MemoryKind.User, 10);
            held.Grow(10);
            Assert.True(ChargeAsync(10).IsCompletedSuccessfully);
            Assert.False(_group.TryCharge(MemoryKind.User, 10, out _));
        }

        Assert.Equal(1030, _group.Memory.CurrentBytes);
        Assert.Equal((3, 0), (_group.ReadEvents().MemoryForced, _group.ReadEvents().Oom));
        Assert.Equal(MemoryGroupState.Online, _group.State);
        Assert.Throws<MemoryLimitExceededException>(void () =>
        {
            try
            {
                throw new InvalidOperationException("cleaning up is not a scope");
            }
            catch (InvalidOperationException)
            {
                _group.Charge(MemoryKind.User, 10, Kernel | RetryMayFail);
            }
        });
    }

    [Fact]
    public void B37_scopes_of_a_thread_allocate_nothing_and_those_of_a_flow_little()
    {
        using var checks = new ChecksOn(isEnabled: false);
        Assert.Equal(0, AllocatedBy(() =>
        {
            using ThreadScope scope = AllocationScope.NoFs();
            using ThreadScope inner = AllocationScope.Atomic();
            using ActiveGroupScope active = _group.Enter();
            _ = AllocationContext.Apply(Kernel);
            _ = MemoryGroup.Current;
        }));
        Assert.InRange(AllocatedBy(() => FlowingScope.NoFs().Dispose()), 1, 256);
    }

    [Fact]
    public void B39_a_million_scopes_with_exceptions_leave_nothing_behind()
    {
        using var checks = new ChecksOn(isEnabled: false);
        var random = new Testing.Prng(39);
        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (int i = 0; i < 1_000_000; i++)
        {
            try
            {
                using ThreadScope scope = AllocationScope.Enter((AllocationRestrictions)random.Below(256));
                using ActiveGroupScope active = AllocationScope.ActiveGroup(random.OneIn(2) ? _group : null);
                if (random.OneIn(1000)) throw new InvalidOperationException("inside");
                if (!random.OneIn(100)) continue;
                using FlowingScope flowing = _group.EnterFlow();
                if (random.OneIn(10)) throw new InvalidOperationException("inside");
            }
            catch (InvalidOperationException)
            {
                // Was expected.
            }
        }

        Assert.Equal((AllocationRestrictions.None, null), (AllocationContext.Restrictions, MemoryGroup.Current));
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true), 0, before + (1 << 20));   // other tests' may go
    }

    private Task ChargeAsync(long bytes) =>
        _group.ChargeAsync(MemoryKind.User, bytes, TestContext.Current.CancellationToken).AsTask();

    // 100 bytes, by charges that this thread has come to hold bytes in advance for.
    private void Warm()
    {
        for (int i = 0; i < 200; i++)
        {
            _group.Charge(MemoryKind.User, 1);
            if (i >= 100) _group.Uncharge(MemoryKind.User, 1);
        }
    }

    private static long AllocatedBy(Action action)
    {
        for (int i = 0; i < 100; i++) action();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++) action();
        return (GC.GetAllocatedBytesForCurrentThread() - before) / 100;
    }
}
