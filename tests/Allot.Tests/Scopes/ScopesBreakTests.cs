using System.Runtime.CompilerServices;

namespace Allot.Tests.Scopes;

/// <summary>What an adversary has found in scopes, locks and checks: each states what should hold.</summary>
[Collection(ChecksSwitch.Name)]
public sealed class ScopesBreakTests
{
    private static AllocationRestrictions Now => AllocationContext.Restrictions;

    [Fact]
    public async Task An_async_lock_that_a_callee_gives_back_leaves_no_scope_in_the_caller()
    {
        using var gate = new AsyncScopedLock(AllocationRestrictions.NoFs);
        await Use();
        Assert.Equal(AllocationRestrictions.None, Now);

        async Task Use()
        {
            using (AsyncScopedLock.Holder holder = await gate.EnterAsync(TestContext.Current.CancellationToken))
            {
                try
                {
                    await GiveBack(holder);
                }
                catch (ScopeMisuseException)
                {
                }
            }

            Assert.False(gate.IsHeld);
            Assert.Equal(AllocationRestrictions.None, Now);
        }

        static async Task GiveBack(AsyncScopedLock.Holder holder)
        {
            await Task.Yield();
            holder.Dispose();
        }
    }

    [Fact]
    public async Task A_flowing_scope_that_a_child_task_leaves_throws_there()
    {
        using FlowingScope scope = FlowingScope.NoFs();
        await Assert.ThrowsAsync<ScopeMisuseException>(() => Task.Run(scope.Dispose, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_flowing_scope_that_an_async_callee_leaves_throws_there()
    {
        using FlowingScope scope = FlowingScope.NoFs();
        await Assert.ThrowsAsync<ScopeMisuseException>(Leave);

        async Task Leave()
        {
            await Task.Yield();
            scope.Dispose();
        }
    }

    [Fact]
    public void What_a_reclaimer_forgets_in_the_flow_does_not_stay_with_who_charges()
    {
        var controller = new MemoryController();
        MemoryGroup group = controller.Root.CreateChild("g", new() { MaxBytes = 1000 });
        var cache = new NeedyReclaimer(group, 1000) { WhenCalled = () => _ = FlowingScope.NoFs() };
        ExecutionContext.Run(ExecutionContext.Capture()!, _ =>
        {
            group.Charge(MemoryKind.User, 10);
            Assert.Equal(1, cache.Calls);
            Assert.Equal(AllocationRestrictions.None, Now);
        }, null);
    }

    [Fact]
    public void What_an_observer_forgets_in_the_flow_does_not_stay_with_who_charges()
    {
        using var checks = new ChecksOn();
        using IDisposable observing = AllocationChecks.Observe(_ => FlowingScope.NoFs());
        ExecutionContext.Run(ExecutionContext.Capture()!, _ =>
        {
            using (AllocationScope.Atomic()) AllocationContext.MightAllocate(AllocationFlags.Kernel);
            Assert.Single(checks.Reports);
            Assert.Equal(AllocationRestrictions.None, Now);
        }, null);
    }

    [Fact]
    public void A_charge_that_must_succeed_in_a_flowing_scope_is_reported_with_both_places()
    {
        using var checks = new ChecksOn();
        var controller = new MemoryController();
        MemoryGroup group = controller.Root.CreateChild("g", new() { MaxBytes = 10 });
        using (FlowingScope.NoReclaim())
        {
            group.Charge(MemoryKind.User, 100, AllocationFlags.Kernel | AllocationFlags.MustSucceed);
        }

        AllocationReport report = Assert.Single(checks.Reports);
        Assert.Contains(nameof(A_charge_that_must_succeed_in_a_flowing_scope_is_reported_with_both_places),
            report.FirstStack, StringComparison.Ordinal);
    }

    [Fact]
    public void A_scope_that_was_left_is_not_named_when_the_checks_were_off_meanwhile()
    {
        using var checks = new ChecksOn();
        EnterAndLeaveLongAgo();
        AllocationChecks.IsEnabled = false;
        using (AllocationScope.DenyAllocations())
        {
            AllocationChecks.IsEnabled = true;
            AllocationDeniedException denied = Assert.Throws<AllocationDeniedException>(
                () => AllocationContext.MightAllocate(AllocationFlags.Kernel));
            Assert.DoesNotContain(nameof(EnterAndLeaveLongAgo), denied.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_scope_that_was_left_is_not_named_inside_of_a_reclaimer()
    {
        using var checks = new ChecksOn();
        var controller = new MemoryController();
        MemoryGroup group = controller.Root.CreateChild("g", new() { MaxBytes = 1000 });
        MemoryGroup other = controller.Root.CreateChild("o", new() { MaxBytes = 10 });
        _ = new NeedyReclaimer(group, 1000)
        {
            WhenCalled = () => other.Charge(
                MemoryKind.User, 100, AllocationFlags.Kernel | AllocationFlags.MustSucceed),
        };
        using (AllocationScope.NoFs())
        {
            LeaveNoReclaim();
            group.Charge(MemoryKind.User, 10);
        }

        AllocationReport report = Assert.Single(checks.Reports);
        Assert.DoesNotContain(nameof(LeaveNoReclaim), report.FirstStack, StringComparison.Ordinal);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void LeaveNoReclaim()
    {
        using ThreadScope scope = AllocationScope.NoReclaim();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void EnterAndLeaveLongAgo()
    {
        using ThreadScope scope = AllocationScope.DenyAllocations();
    }

    [Fact]
    public void Two_locks_with_the_same_places_are_two_reports()
    {
        using var checks = new ChecksOn();
        for (int i = 0; i < 2; i++)
        {
            var gate = new ScopedLock(AllocationRestrictions.None, $"page {i}");
            Deadlock(gate);
        }

        Assert.Equal(2, checks.Reports.Count(report => report.Kind == AllocationReportKind.LockInReclaim));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Deadlock(ScopedLock gate)
    {
        var controller = new MemoryController();
        MemoryGroup group = controller.Root.CreateChild("g", new() { MaxBytes = 1000 });
        _ = new NeedyReclaimer(group, 1000)
        {
            WhenCalled = () =>
            {
                using ScopedLock.Holder held = gate.Enter();
            },
        };
        group.Charge(MemoryKind.User, 10);
        using (gate.Enter()) group.Charge(MemoryKind.User, 10);
    }

    [Fact]
    public void A_lock_around_a_charge_of_another_tree_is_no_mistake()
    {
        using var checks = new ChecksOn();
        var controller = new MemoryController();
        var unrelated = new MemoryController();
        MemoryGroup group = controller.Root.CreateChild("g", new() { MaxBytes = 1000 });
        MemoryGroup other = unrelated.Root.CreateChild("o");
        var gate = new ScopedLock(AllocationRestrictions.None, "unrelated");
        _ = new NeedyReclaimer(group, 1000)
        {
            WhenCalled = () =>
            {
                using ScopedLock.Holder held = gate.Enter();
            },
        };
        group.Charge(MemoryKind.User, 10);
        using (gate.Enter()) other.Charge(MemoryKind.User, 10);   // no reclaimer of the other tree can be called here
        Assert.Empty(checks.Reports);
    }

    [Fact]
    public void A_charge_that_says_nothing_may_block_in_atomic_as_one_that_says_Kernel()
    {
        using var checks = new ChecksOn();
        var controller = new MemoryController();
        using (AllocationScope.Atomic()) controller.Root.Charge(MemoryKind.User, 10);
        Assert.Single(checks.Reports);
    }

    [Fact]
    public void An_ambient_charge_that_may_block_in_atomic_is_reported()
    {
        using var checks = new ChecksOn();
        var controller = new MemoryController();
        using (controller.Root.Enter())
        using (AllocationScope.Atomic())
        {
            AmbientCharging.Charge(MemoryKind.User, 10, AllocationFlags.KernelAccount);
        }

        Assert.Single(checks.Reports);
    }

    [Fact]
    public void Ending_an_observation_twice_ends_no_other()
    {
        using var checks = new ChecksOn();
        int calls = 0;
        Action<AllocationReport> observer = _ => calls++;
        IDisposable first = AllocationChecks.Observe(observer);
        using IDisposable second = AllocationChecks.Observe(observer);
        first.Dispose();
        first.Dispose();
        using (AllocationScope.Atomic()) AllocationContext.MightAllocate(AllocationFlags.Kernel);
        Assert.Equal(1, calls);
    }

    [Fact]
    public void A_copy_of_a_guard_that_was_left_does_nothing_while_a_later_scope_is_open()
    {
        ThreadScope first = AllocationScope.NoFs();
        ThreadScope copy = first;
        first.Dispose();
        using ThreadScope later = AllocationScope.NoIo();
        copy.Dispose();
        Assert.Equal(AllocationRestrictions.NoIo, Now);
    }

    [Fact]
    public void MightAllocate_says_what_Charge_says_of_MustSucceed_without_reclaim() =>
        Assert.Throws<ArgumentException>(() => AllocationContext.MightAllocate(AllocationFlags.MustSucceed));

    [Fact]
    public async Task An_async_lock_left_in_another_flow_is_still_held()
    {
        using var gate = new AsyncScopedLock(AllocationRestrictions.NoFs);
        AsyncScopedLock.Holder holder = await gate.EnterAsync(TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<ScopeMisuseException>(() => Task.Run(holder.Dispose, TestContext.Current.CancellationToken));
        Assert.True(gate.IsHeld);
        holder.Dispose();
    }
}
