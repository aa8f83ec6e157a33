namespace Allot.Tests.PinSources;

/// <summary>The check finds no difference where there is none, and the cause of one where there is.</summary>
[Collection(KernelPins.Collection)]
public sealed class PinCheckTests
{
    private readonly TreeOfThree _tree = new();

    private static long Page => KernelPins.Page;

    private static void RequireLinux() => Assert.SkipUnless(PinCheck.IsSupported, "The check is of Linux.");

    [Fact]
    public void What_is_charged_is_what_the_kernel_shows()
    {
        RequireLinux();
        using var memory = new LockedMemory(_tree.Leaf, 10 * Page);
        using var secret = new SecretBuffer(_tree.Middle, 33);
        PinCheckResult result = PinCheck.Run();
        Assert.True(result.IsExact, result.ToString());
        Assert.Equal(11 * Page, result.LockedBytes);
        Assert.Empty(result.Causes);
    }

    [Fact]
    public void What_others_lock_is_found_with_its_place()
    {
        RequireLinux();
        using var pages = new FreshPages(4);
        var system = new UnixMemoryLocks();
        var range = PageRange.Of(pages.At(1), 2 * Page);
        Assert.Equal(0, system.Lock(range, onFault: false));
        PinCheckResult result = PinCheck.Run();
        Assert.Equal(0, system.Unlock(range));
        Assert.Equal((2 * Page, 0L), (result.LockedDriftBytes, result.PinnedDriftBytes));
        Assert.Contains($"0x{(ulong)range.Start:x}-0x{(ulong)range.End:x}", Assert.Single(result.Causes));
        Assert.Contains("not through Allot", result.ToString());
        Assert.True(PinCheck.Run().IsExact);
    }

    [Fact]
    public void What_was_unmapped_while_it_was_locked_is_found()
    {
        RequireLinux();
        using var pages = new FreshPages(4);
        using var locker = new MemoryLocker(_tree.Leaf);
        locker.Lock(pages.Address, 4 * Page);
        pages.Unmap(page: 1, pages: 2);
        PinCheckResult result = PinCheck.Run();
        Assert.Equal(-2 * Page, result.LockedDriftBytes);
        Assert.Contains($"{2 * Page} bytes", Assert.Single(result.Causes));
        Assert.Contains("locked no longer", result.ToString());
        locker.Dispose();
        Assert.True(PinCheck.Run().IsExact);
    }

    [Fact]
    public void What_the_kernel_pins_is_compared_too()
    {
        KernelPins.RequireIoUring();
        using var memory = new LockedMemory(_tree.Leaf, 10 * Page);
        using var ring = new IoRing(_tree.Leaf);
        ring.Register(memory.Memory[..100], memory.Memory);
        PinCheckResult result = PinCheck.Run();
        Assert.True(result.IsExact, result.ToString());
        Assert.Equal(11 * Page, result.KernelPinnedBytes);
        ring.Unregister();
        Assert.True(PinCheck.Run().IsExact);
    }

    [Theory]
    [InlineData("0-4", "1-2", "0-1 2-4")]
    [InlineData("0-4 6-8", "", "0-4 6-8")]
    [InlineData("0-4 6-8", "3-7", "0-3 7-8")]
    [InlineData("0-4 6-8", "0-9", "")]
    [InlineData("2-4", "0-1 3-4 5-9", "2-3")]
    public void Ranges_are_subtracted(string first, string second, string rest) =>
        Assert.Equal(Parse(rest), RangeSets.Subtract(Parse(first), Parse(second)));

    [Theory]
    [InlineData("7f2d92f0f000-7f2d92f10000 rw-p 00000000 00:00 0", true)]
    [InlineData("VmFlags: rd wr lo", false)]
    [InlineData("Locked:  4 kB", false)]
    public void Headers_of_mappings_are_told_apart(string line, bool isHeader) =>
        Assert.Equal(isHeader, ProcessMemory.TryParseHeader(line, out _));

    private static List<PageRange> Parse(string text) =>
    [
        .. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(range => new PageRange(
            (nuint)(range[0] - '0'), (nuint)(range[2] - '0'))),
    ];
}
