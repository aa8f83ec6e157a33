namespace Allot.Tests.PinSources;

/// <summary>Locks of Windows. How much is locked cannot be asked there: these see what the calls return.</summary>
public sealed class WindowsLockTests : IDisposable
{
    private readonly TreeOfThree _tree = new();
    private readonly FreshPages _pages;

    public WindowsLockTests()
    {
        Assert.SkipUnless(OperatingSystem.IsWindows(), "VirtualLock is of Windows.");
        _pages = new FreshPages(16);
    }

    private static long Page => KernelPins.Page;

    public void Dispose()
    {
        _pages?.Dispose();
        Assert.Equal([0, 0, 0], _tree.Pins);
        Assert.Equal([0, 0, 0], _tree.Memory);
    }

    [Fact]
    public void What_was_given_back_while_it_was_locked_is_unlocked_and_the_rest_too()
    {
        using var locker = new MemoryLocker(_tree.Leaf);
        locker.Lock(_pages.Address, 16 * Page);
        Assert.Equal(16 * Page, _tree.Leaf.Pins.CurrentBytes);
        _pages.Unmap(page: 0, pages: 1);
        _pages.Unmap(page: 8, pages: 2);
        locker.Unlock(_pages.Address, 16 * Page);
        Assert.Equal([0, 0, 0], _tree.Pins);
    }

    [Fact]
    public void Pages_can_be_unlocked_in_other_parts_than_they_were_locked()
    {
        using var locker = new MemoryLocker(_tree.Leaf);
        locker.Lock(_pages.Address, 4 * Page);
        locker.Lock(_pages.At(8), 4 * Page);
        locker.Unlock(_pages.At(2), 8 * Page);
        Assert.Equal(4 * Page, _tree.Leaf.Pins.CurrentBytes);
    }

    [Fact]
    public void What_nobody_has_locked_can_be_unlocked()
    {
        var locks = new WindowsMemoryLocks();
        PageRange all = PageRange.Of(_pages.Address, 16 * Page), one = PageRange.Of(_pages.At(3), Page);
        Assert.Equal(0, locks.Unlock(all));
        Assert.Equal(0, locks.Lock(one, onFault: false));
        Assert.Equal(0, locks.Unlock(all));
    }

    [Fact]
    public void A_lock_that_the_system_refuses_changes_nothing()
    {
        _pages.Unmap(page: 8, pages: 1);
        using var locker = new MemoryLocker(_tree.Leaf);
        Assert.Throws<MemoryLockException>(() => locker.Lock(_pages.Address, 16 * Page));
        Assert.Equal([0, 0, 0], _tree.Pins);
    }

    [Fact]
    public void No_bytes_are_no_pages()
    {
        PageRange none = NativeRegion.Map(0);
        Assert.Equal(0, none.Bytes);
        NativeRegion.Unmap(none);
    }
}
