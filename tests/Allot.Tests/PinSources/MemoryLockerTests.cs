namespace Allot.Tests.PinSources;

/// <summary>Locking memory of others, against the real kernel: the figure here is VmLck at every step.</summary>
[Collection(KernelPins.Collection)]
public sealed class MemoryLockerTests : IDisposable
{
    private readonly TreeOfThree _tree = new();
    private readonly FreshPages _pages = new(16);
    private readonly long _before = KernelPins.VmLck;
    private readonly MemoryLocker _locker;

    public MemoryLockerTests() => _locker = new MemoryLocker(_tree.Leaf);

    private static long Page => KernelPins.Page;

    public void Dispose()
    {
        _locker.Dispose();
        _pages.Dispose();
        Assert.Equal([0, 0, 0], _tree.Pins);
        AssertLocked(0);
    }

    [Fact]
    public void A16_what_is_locked_twice_counts_once_and_one_unlock_ends_it()
    {
        _locker.Lock(_pages.Address, 16 * Page);
        _locker.Lock(_pages.Address, 16 * Page);
        AssertLocked(16);
        Assert.Equal(16 * Page, _tree.Leaf.Pins.CurrentBytes);
        _locker.Unlock(_pages.Address, 16 * Page);
        AssertLocked(0);
        Assert.Equal(0, _tree.Leaf.Pins.CurrentBytes);
    }

    [Fact]
    public void A17_overlapping_locks_count_each_page_once_and_parts_can_be_unlocked()
    {
        _locker.Lock(_pages.At(2), 4 * Page);
        _locker.Lock(_pages.Address, 8 * Page);
        AssertLocked(8);
        _locker.Unlock(_pages.At(3), 2 * Page);
        AssertLocked(6);
        Assert.Equal([6 * Page, 6 * Page, 6 * Page], _tree.Pins);
    }

    [Fact]
    public void A_page_is_passed_on_once_though_its_holder_unlocks_it_and_is_disposed_at_the_same_time()
    {
        const int Rounds = 2000;
        for (int i = 0; i < Rounds; i++)
        {
            using var first = new MemoryLocker(_tree.Middle);
            first.Lock(_pages.Address, Page);
            _locker.Lock(_pages.Address, Page);
            Parallel.Invoke(() => first.Unlock(_pages.Address, Page), first.Dispose);
            Assert.Equal((Page, 0), (_locker.ChargedBytes, first.ChargedBytes));
            Assert.Equal([Page, Page, Page], _tree.Pins);
            _locker.Unlock(_pages.Address, Page);
        }
    }

    [Fact]
    public void A_page_that_two_hold_stays_locked_until_the_last_lets_go_and_is_passed_on()
    {
        using var other = new MemoryLocker(_tree.Middle);
        _locker.Lock(_pages.Address, 100);
        other.Lock(_pages.Address + 200, 100);
        AssertLocked(1);
        Assert.Equal((Page, 0L), (_locker.ChargedBytes, other.ChargedBytes));
        _locker.Unlock(_pages.Address, 100);
        AssertLocked(1);
        Assert.Equal((0L, Page), (_locker.ChargedBytes, other.ChargedBytes));
        Assert.Equal([Page, Page, 0], _tree.Pins);
        other.Dispose();
        AssertLocked(0);
    }

    [Fact]
    public void A_lock_that_the_system_refuses_changes_nothing()
    {
        _pages.Unmap(page: 8, pages: 1);
        MemoryLockException failure = Assert.Throws<MemoryLockException>(() => _locker.Lock(_pages.Address, 16 * Page));
        Assert.Equal(12, failure.ErrorCode);
        AssertLocked(0);
        Assert.Equal([0, 0, 0], _tree.Pins);
    }

    [Fact]
    public void What_was_unmapped_while_it_was_locked_is_given_back()
    {
        _locker.Lock(_pages.Address, 16 * Page);
        _pages.Unmap(page: 8, pages: 1);
        _locker.Unlock(_pages.Address, 16 * Page);
        Assert.Equal([0, 0, 0], _tree.Pins);
        AssertLocked(0);
    }

    private void AssertLocked(long pages)
    {
        LockedPages.OfProcess.Validate();
        Assert.Equal(pages * Page, KernelPins.VmLck - _before);
        Assert.Equal(pages * Page, LockedPages.OfProcess.Bytes);
    }
}
