using System.Runtime.CompilerServices;
using static Allot.AllocationFlags;

namespace Allot.Tests.Scopes;

/// <summary>What the checks report, where they say that it is, and how often.</summary>
[Collection(ChecksSwitch.Name)]
public sealed class ReportTests
{
    private readonly MemoryGroup _group = new MemoryController().Root.CreateChild("g", new() { MaxBytes = 100 });

    [Fact]
    public void A_report_about_a_flowing_scope_names_both_places()
    {
        using var checks = new ChecksOn();
        using FlowingScope scope = EnterFlowing();
        using FlowingScope inner = FlowingScope.NoFs();
        using ThreadScope unrelated = AllocationScope.NoPin();
        _group.Charge(MemoryKind.User, 200, Kernel | MustSucceed);
        AllocationReport report = Assert.Single(checks.Reports);
        Assert.Equal(AllocationReportKind.MustSucceedWithoutReclaim, report.Kind);
        Assert.Contains(nameof(EnterFlowing), report.FirstStack, StringComparison.Ordinal);
        Assert.Contains(nameof(A_report_about_a_flowing_scope_names_both_places), report.SecondStack,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_place_of_a_lock_of_asynchronous_code_is_where_it_was_awaited()
    {
        using var checks = new ChecksOn();
        using var gate = new AsyncScopedLock(AllocationRestrictions.NoReclaim);
        using (await gate.EnterAsync(TestContext.Current.CancellationToken))
        {
            await Task.Yield();
            _group.Charge(MemoryKind.User, 200, Kernel | MustSucceed);
        }

        Assert.Contains(nameof(The_place_of_a_lock_of_asynchronous_code_is_where_it_was_awaited),
            Assert.Single(checks.Reports).FirstStack, StringComparison.Ordinal);
    }

    [Fact]
    public void A_flowing_scope_that_is_left_out_of_order_names_both_places()
    {
        using var checks = new ChecksOn();
        using FlowingScope outer = EnterFlowing();
        using FlowingScope inner = EnterAnother();
        string message = Assert.Throws<ScopeMisuseException>(outer.Dispose).Message;
        Assert.Contains(nameof(EnterFlowing), message, StringComparison.Ordinal);
        Assert.Contains(nameof(EnterAnother), message, StringComparison.Ordinal);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static FlowingScope EnterAnother() => FlowingScope.NoIo();
    }

    // In an optimized build the methods of Allot between a scope and its place are inlined; none may be counted on.
    [Fact]
    public void Every_way_to_enter_a_scope_keeps_the_place_of_the_caller()
    {
        using var checks = new ChecksOn();
        Func<FlowingScope>[] flowing =
        [
            FlowingScope.NoFs, FlowingScope.NoIo, FlowingScope.NoReclaim, FlowingScope.NoPin, _group.EnterFlow,
            () => FlowingScope.ActiveGroup(null),
        ];
        foreach (Func<FlowingScope> enter in flowing)
        {
            using FlowingScope scope = EnterHere(enter);
            Assert.Contains(nameof(EnterHere), scope.Entered!.ToString(), StringComparison.Ordinal);
        }

        using (AllocationScope.NoFs()) AssertNamed(AllocationRestrictions.NoFs);
        using (AllocationScope.Atomic()) AssertNamed(AllocationRestrictions.Atomic);
        using (AllocationScope.BlockAccounting()) AssertNamed(AllocationRestrictions.BlockAccounting);
        using (new ScopedLock(AllocationRestrictions.NoIo).Enter()) AssertNamed(AllocationRestrictions.NoIo);
        using var readers = new ScopedReaderWriterLock(AllocationRestrictions.NoIo);
        using (readers.EnterRead()) AssertNamed(AllocationRestrictions.NoIo);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static FlowingScope EnterHere(Func<FlowingScope> enter)
        {
            FlowingScope scope = enter();
            GC.KeepAlive(scope);   // the call is not the last, so its frame stays
            return scope;
        }

        static void AssertNamed(AllocationRestrictions restriction) => Assert.Contains(
            nameof(Every_way_to_enter_a_scope_keeps_the_place_of_the_caller),
            OpenScopes.FindSetter(restriction)!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_charge_of_the_current_group_that_says_that_it_may_block_is_reported_in_atomic_as_that_of_a_group_is()
    {
        using var checks = new ChecksOn();
        using ActiveGroupScope active = _group.Enter();
        using ThreadScope atomic = AllocationScope.Atomic();
        AmbientCharging.Charge(MemoryKind.User, 1);                  // says nothing: it gets what the context permits
        AmbientCharging.Charge(MemoryKind.User, 1, NoWait | Account);
        _group.Charge(MemoryKind.User, 1);
        Assert.Empty(checks.Reports);
        for (int i = 0; i < 3; i++) AmbientCharging.Charge(MemoryKind.User, 1, KernelAccount);
        Assert.Equal(AllocationReportKind.BlockingInAtomic, Assert.Single(checks.Reports).Kind);
        _group.Charge(MemoryKind.User, 1, NoFs);
        Assert.Equal(2, checks.Reports.Count);
        using (AllocationScope.ActiveGroup(null)) AmbientCharging.Charge(MemoryKind.User, 1, KernelAccount);
        Assert.Equal(3, checks.Reports.Count);                       // a mistake is one, whoever pays
        Assert.All(checks.Reports, report => Assert.NotEmpty(report.FirstStack));
    }

    [Fact]
    public void After_so_many_places_the_checks_say_once_that_they_report_no_more()
    {
        using var checks = new ChecksOn();
        var places = new ReportedPlaces(placesMax: 3);
        for (int place = 0; place < 10; place++)
        {
            for (int again = 0; again < 2; again++)
            {
                AllocationChecks.Report(
                    new AllocationReport(AllocationReportKind.BlockingInAtomic, "", "first", $"second {place}"), places);
            }
        }

        Assert.Equal(
            ["second 0", "second 1", "second 2", ""], checks.Reports.Select(report => report.SecondStack));
        AllocationReport last = checks.Reports[^1];
        Assert.Equal(AllocationReportKind.NoMoreReports, last.Kind);
        Assert.Contains("3 places", last.Message, StringComparison.Ordinal);
        Assert.Equal(last.Message, last.ToString());
    }

    [Fact]
    public void A_scope_that_was_left_is_not_named_when_the_checks_were_off_meanwhile()
    {
        using var checks = new ChecksOn();
        EnterAndLeave(AllocationScope.DenyAllocations);
        AllocationChecks.IsEnabled = false;
        using (AllocationScope.DenyAllocations())
        {
            AllocationChecks.IsEnabled = true;
            using ThreadScope noted = AllocationScope.NoFs();   // is not what denies
            string denied = Assert.Throws<AllocationDeniedException>(
                () => AllocationContext.MightAllocate(Kernel)).Message;
            Assert.DoesNotContain("was entered here", denied, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Inside_of_a_reclaimer_the_scopes_of_the_caller_are_named_and_those_that_it_has_left_are_not()
    {
        using var checks = new ChecksOn();
        MemoryGroup other = new MemoryController().Root.CreateChild("o", new() { MaxBytes = 10 });
        _ = new NeedyReclaimer(_group, 100)
        {
            WhenCalled = () =>
            {
                other.Charge(MemoryKind.User, 100, Kernel | MustSucceed);
                Assert.Contains(nameof(EnterNoIo),
                    OpenScopes.FindSetter(AllocationRestrictions.NoIo)!.ToString(), StringComparison.Ordinal);
            },
        };
        using ThreadScope noIo = EnterNoIo();
        EnterAndLeave(AllocationScope.NoReclaim);
        _group.Charge(MemoryKind.User, 10);
        AllocationReport report = Assert.Single(checks.Reports);
        Assert.Equal((AllocationReportKind.MustSucceedWithoutReclaim, ""), (report.Kind, report.FirstStack));

        [MethodImpl(MethodImplOptions.NoInlining)]
        static ThreadScope EnterNoIo() => AllocationScope.NoIo();
    }

    // A stack for each scope of a recursion would cost the square of its depth.
    [Fact]
    public void Of_scopes_in_each_other_the_outermost_keep_their_places()
    {
        using var checks = new ChecksOn();
        using ThreadScope atomic = AllocationScope.Atomic();
        Nest(100);

        static void Nest(int depth)
        {
            using ThreadScope scope = AllocationScope.NoFs();
            using FlowingScope flowing = FlowingScope.NoIo();
            bool isKept = 100 - depth < OpenScopes.StacksMax;
            Assert.Equal(isKept, flowing.Entered is not null);
            if (depth > 1) Nest(depth - 1);
            else Assert.NotNull(OpenScopes.FindSetter(AllocationRestrictions.Atomic));
        }
    }

    [Fact]
    public unsafe void A_scope_that_is_left_on_another_thread_is_reported_with_both_places()
    {
        using var checks = new ChecksOn();
        ThreadScope scope = EnterHere();
        nint smuggled = (nint)(&scope);
        Exception? thrown = null;
        var thread = new Thread(() => thrown = Record.Exception(() => LeaveThere(smuggled)));
        thread.UnsafeStart();
        thread.Join();
        string message = Assert.IsType<ScopeMisuseException>(thrown).Message;
        Assert.Contains(nameof(EnterHere), message, StringComparison.Ordinal);
        Assert.Contains(nameof(LeaveThere), message, StringComparison.Ordinal);
        scope.Dispose();

        [MethodImpl(MethodImplOptions.NoInlining)]
        static ThreadScope EnterHere() => AllocationScope.NoFs();

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void LeaveThere(nint scope) => ((ThreadScope*)scope)->Dispose();
    }

    [Fact]
    public void What_an_observer_forgets_to_leave_does_not_stay_with_who_was_found_out()
    {
        using var checks = new ChecksOn();
        using IDisposable observation = AllocationChecks.Observe(report =>
        {
            _ = FlowingScope.NoFs();
            _ = AllocationScope.NoPin();
        });
        using (AllocationScope.Atomic()) AllocationContext.MightAllocate(Kernel);
        Assert.Single(checks.Reports);
        Assert.Equal(AllocationRestrictions.None, AllocationContext.Restrictions);
    }

    [Fact]
    public void An_observation_that_is_ended_twice_ends_no_other_of_the_same_observer()
    {
        using var checks = new ChecksOn();
        int calls = 0;
        Action<AllocationReport> observer = _ => calls++;
        IDisposable first = AllocationChecks.Observe(observer);
        using IDisposable second = AllocationChecks.Observe(observer);
        first.Dispose();
        first.Dispose();
        using (AllocationScope.Atomic()) AllocationContext.MightAllocate(Kernel);
        Assert.Equal(1, calls);
    }

    [Fact]
    public void What_a_request_cannot_mean_is_told_by_whoever_is_asked()
    {
        Action<AllocationFlags>[] asked =
        [
            AllocationContext.MightAllocate,
            flags => _group.Charge(MemoryKind.User, 1, flags),
            flags => AmbientCharging.Charge(MemoryKind.User, 1, flags),
            flags => { unsafe { GroupMemory.Allocate(_group, 1, flags); } },
        ];
        Assert.All(asked, ask =>
        {
            Assert.Throws<ArgumentException>(() => ask(MustSucceed | NoWait));
            Assert.Throws<ArgumentOutOfRangeException>(() => ask(Kernel | (AllocationFlags)(1 << 17)));
            Assert.Throws<ArgumentOutOfRangeException>(() => ask((AllocationFlags)int.MinValue));
        });
        Assert.Equal(0, _group.Memory.CurrentBytes);
        AllocationContext.MightAllocate((AllocationFlags)((1 << 17) - 1));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void EnterAndLeave(Func<ThreadScope> enter) => enter().Dispose();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static FlowingScope EnterFlowing() => FlowingScope.NoReclaim();
}
