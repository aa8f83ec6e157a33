namespace Allot.Tests.Reclaim;

/// <summary>The numbered rules of ParentProtection, and the two examples that explain them.</summary>
public sealed class ParentProtectionTests
{
    [Fact]
    public void A_child_of_the_target_has_what_is_configured_also_if_it_uses_less()
    {
        var target = new ParentProtection
        {
            IsTarget = true,
            EffectiveBytes = 0,
            ClaimedBytes = 40,
            UsedBytes = 100,
        };
        Assert.Equal(75, target.OfChild(usedBytes: 40, configuredBytes: 75));
        Assert.Equal(0, target.OfChild(usedBytes: 60, configuredBytes: 0));
    }

    [Fact]
    public void What_is_not_used_is_not_protected() => Assert.Equal([30, 5], Effective(100, [(30, 80), (90, 5)]));

    [Fact]
    public void Claims_that_fit_are_granted() => Assert.Equal([10, 0, 20], Effective(30, [(40, 10), (40, 0), (20, 20)]));

    [Fact]
    public void Claims_that_do_not_fit_share_in_proportion() =>
        Assert.Equal([33, 16, 0, 0], Effective(50, [(50, 75), (50, 25), (50, 0), (0, 500)]));

    [Fact]
    public void Claims_that_do_not_fit_share_and_use_that_nobody_claims_gets_nothing_of_it() =>
        Assert.Equal([33, 16, 0, 0], Effective(50, [(50, 75), (50, 25), (50, 0), (0, 500)], sharesUnclaimed: true));

    [Fact]
    public void What_nobody_claims_is_lost_unless_it_is_shared()
    {
        (long, long)[] children = [(40, 10), (40, 0), (20, 0)];
        Assert.Equal([10, 0, 0], Effective(50, children));
        Assert.Equal([23, 17, 8], Effective(50, children, sharesUnclaimed: true));                 // 23.3, 17.8, 8.9
        Assert.Equal([23_333, 17_777, 8_888], Effective(50_000, [(40_000, 10_000), (40_000, 0), (20_000, 0)], true));
    }

    [Fact]
    public void Below_a_group_without_protection_nothing_is_protected() =>
        Assert.Equal([0, 0], Effective(0, [(50, 75), (10, 5)], sharesUnclaimed: true));

    [Fact]
    public void Nothing_wraps_at_the_largest_numbers()
    {
        const long Max = long.MaxValue;
        var half = new ParentProtection
        {
            IsTarget = false,
            EffectiveBytes = Max / 2,
            ClaimedBytes = Max,
            UsedBytes = Max,
        };
        Assert.Equal(Max / 2, half.OfChild(Max, Max));
        ParentProtection whole = half with { EffectiveBytes = Max, ClaimedBytes = 0, SharesUnclaimed = true };
        Assert.Equal(Max, whole.OfChild(Max, 0));
    }

    [Fact]
    public void A_child_that_grew_since_its_parent_was_read_gets_no_more_than_there_is()
    {
        var stale = new ParentProtection
        {
            IsTarget = false,
            EffectiveBytes = 50,
            ClaimedBytes = 10,
            UsedBytes = 20,
            SharesUnclaimed = true,
        };
        Assert.Equal(50, stale.OfChild(usedBytes: 1_000, configuredBytes: 10));
    }

    private static long[] Effective(long parent, (long Used, long Configured)[] children, bool sharesUnclaimed = false)
    {
        var passedOn = new ParentProtection
        {
            IsTarget = false,
            EffectiveBytes = parent,
            ClaimedBytes = children.Sum(child => Math.Min(child.Used, child.Configured)),
            UsedBytes = children.Sum(child => child.Used),
            SharesUnclaimed = sharesUnclaimed,
        };
        return [.. children.Select(child => passedOn.OfChild(child.Used, child.Configured))];
    }
}
