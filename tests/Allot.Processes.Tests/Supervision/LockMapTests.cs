using Allot.Processes.Observation;
using Allot.Processes.Supervision;

namespace Allot.Processes.Tests.Supervision;

// When the map may be believed, with threads and calls that are made up.
public sealed class LockMapTests
{
    private const ulong Page = 4096;
    private const int One = 1, Other = 2;

    private readonly LockMap _map = new();

    [Fact]
    public void What_a_call_locks_is_in_the_map_before_it_runs()
    {
        _map.BeginLock(One, Range(0, 2));
        Assert.Equal(0, _map.MissingBytes(Range(0, 2)));
        Assert.False(_map.AgreesWith(0));
        Assert.True(_map.AgreesWith(2 * (long)Page));
    }

    [Fact]
    public void What_a_call_unlocks_is_in_the_map_until_it_is_over()
    {
        _map.BeginLock(One, Range(0, 2));
        _map.End(One);
        _map.BeginUnlock(One, Range(0, 1));
        Assert.Equal(0, _map.MissingBytes(Range(0, 2)));
        _map.End(One);
        Assert.Equal((long)Page, _map.MissingBytes(Range(0, 2)));
    }

    [Fact]
    public void A_range_that_somebody_locks_meanwhile_stays()
    {
        _map.BeginLock(One, Range(0, 1));
        _map.End(One);
        _map.BeginUnlock(One, Range(0, 1));
        _map.BeginLock(Other, Range(0, 1));
        _map.End(One);
        Assert.Equal(0, _map.MissingBytes(Range(0, 1)));
    }

    [Fact]
    public void Calls_in_flight_are_in_the_map_again_after_everything_was_unlocked()
    {
        _map.BeginLock(One, Range(0, 1));
        _map.BeginLock(Other, Range(4, 1));
        _map.End(One);
        _map.BeginUnlock(One, AddressRange.Everything);
        _map.End(One);
        Assert.Equal((long)Page, _map.Bytes);

        _map.BeginAnew(thread => thread == Other);
        Assert.Equal((long)Page, _map.Bytes);
        Assert.Equal(0, _map.MissingBytes(Range(4, 1)));
        _map.BeginAnew(static _ => false);
        Assert.Equal(0, _map.Bytes);
    }

    [Fact]
    public void A_call_that_did_not_happen_unlocks_nothing()
    {
        _map.BeginLock(One, Range(0, 1));
        _map.End(One);
        _map.BeginUnlock(One, Range(0, 1));
        _map.Cancel(One);
        _map.End(One);
        Assert.Equal((long)Page, _map.Bytes);
    }

    [Fact]
    public void While_a_call_may_lock_anywhere_no_sum_makes_the_map_true()
    {
        _map.BeginLock(One, AddressRange.Everything);
        Assert.False(_map.AgreesWith(0));
        Assert.False(_map.Covers(0));
        _map.BeginAnew(static thread => thread == One);
        Assert.False(_map.Covers(0));
        _map.BeginAnew(static _ => false);
        Assert.True(_map.AgreesWith(0));
    }

    private static AddressRange Range(ulong page, ulong pages) => new(page * Page, (page + pages) * Page);
}
