using Allot.Tests.Scopes;

namespace Allot.Tests.OutOfMemory;

/// <summary>Which scopes of the charging thread hold in a policy, an observer and a callback.</summary>
[Collection(ChecksSwitch.Name)]
public sealed class CalledScopesTests
{
    private readonly List<(AllocationRestrictions, MemoryGroup?)> _seen = [];

    [Fact]
    public void A_policy_and_an_observer_are_in_the_scopes_of_locks_and_in_no_other()
    {
        using var checks = new ChecksOn(isEnabled: false);
        var tree = new OomTree(new Noting(Note), new() { MaxBytes = 100 });
        MemoryGroup a = tree.Tenant("a", 100), mine = tree.Controller.Root.CreateChild("mine");
        using IDisposable observation = tree.Controller.ObserveOutOfMemory(_ => Note());
        using (AllocationScope.NoPin())
        using (FlowingScope.NoIo())
        using (mine.EnterFlow())
        using (mine.Enter())
        {
            Assert.Throws<MemoryLimitExceededException>(() => a.Charge(MemoryKind.User, 1));
            (AllocationRestrictions, MemoryGroup?) after = (AllocationContext.Restrictions, MemoryGroup.Current);
            Assert.Equal((AllocationRestrictions.NoPin | AllocationRestrictions.NoIo, mine), after);
        }

        Assert.Equal(2, _seen.Count);
        Assert.All(_seen, seen => Assert.Equal((AllocationRestrictions.NoPin | AllocationRestrictions.NoIo, null), seen));
    }

    [Fact]
    public void A_callback_of_Killed_counts_what_it_charges()
    {
        using var checks = new ChecksOn(isEnabled: false);
        MemoryGroup root = new MemoryController().Root;
        MemoryGroup killed = root.CreateChild("killed"), other = root.CreateChild("other");
        using CancellationTokenRegistration registration = killed.Killed.Register(() =>
        {
            Note();
            other.Charge(MemoryKind.User, 5);
        });
        using (AllocationScope.BlockAccounting())
        using (AllocationScope.NoThrowOnLimit())
        using (other.Enter())
        {
            killed.Kill("a test");
            Assert.Equal(
                AllocationRestrictions.BlockAccounting | AllocationRestrictions.NoThrowOnLimit,
                AllocationContext.Restrictions);
        }

        Assert.Equal(5, other.Memory.CurrentBytes);
        Assert.Equal([(AllocationRestrictions.None, null)], _seen);
    }

    [Fact]
    public void An_observer_of_the_checks_may_charge_where_allocations_are_denied()
    {
        using var checks = new ChecksOn();
        MemoryGroup group = new MemoryController().Root.CreateChild("g");
        using IDisposable observation = AllocationChecks.Observe(_ => group.Charge(MemoryKind.User, 7));
        using (AllocationScope.DenyAllocations())
        {
            AllocationChecks.Report(new AllocationReport(
                AllocationReportKind.BlockingInAtomic, "found", nameof(CalledScopesTests), ""));
            Assert.Throws<AllocationDeniedException>(() => group.Charge(MemoryKind.User, 1));
        }

        Assert.Equal(7, group.Memory.CurrentBytes);
    }

    private void Note() => _seen.Add((AllocationContext.Restrictions, MemoryGroup.Current));

    private sealed class Noting(Action note) : IOutOfMemoryPolicy
    {
        public OutOfMemoryChoice Choose(OutOfMemoryContext context)
        {
            note();
            return OutOfMemoryChoice.Refuse("a test");
        }
    }
}
