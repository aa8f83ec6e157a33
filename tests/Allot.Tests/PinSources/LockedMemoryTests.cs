namespace Allot.Tests.PinSources;

[Collection(KernelPins.Collection)]
public sealed class LockedMemoryTests
{
    private readonly TreeOfThree _tree = new();
    private readonly long _before = KernelPins.VmLck;

    private static long Page => KernelPins.Page;

    [Theory]
    [InlineData(MemoryLockMode.Now), InlineData(MemoryLockMode.OnFault)]
    public void It_is_locked_and_charged_as_a_whole_and_in_parts(MemoryLockMode mode)
    {
        using var memory = new LockedMemory(_tree.Leaf, (8 * Page) - 1, mode);
        AssertLocked(8);
        Assert.Equal(8 * Page, _tree.Leaf.Memory.CurrentBytes);
        memory.Span.Fill(1);
        memory.Unlock(3 * Page, 2 * Page);
        AssertLocked(6);
        Assert.Equal(6 * Page, memory.LockedBytes);
        memory.Unlock(0, memory.Bytes);
        AssertLocked(0);
        memory.Lock(5 * Page, 1, mode);
        AssertLocked(1);
        Assert.Equal(1, memory.Memory.Span[^1]);
        memory.Dispose();
        memory.Dispose();
        AssertLocked(0);
        Assert.Equal([0, 0, 0], _tree.Memory);
        Assert.Throws<ObjectDisposedException>(() => memory.Span.Length);
        Assert.Throws<ObjectDisposedException>(() => memory.Unlock(0, 1));
    }

    [Fact]
    public void What_does_not_fit_is_not_there()
    {
        _tree.Middle.Pins.MaxBytes = 4 * Page;
        Assert.Throws<MemoryLimitExceededException>(() => new LockedMemory(_tree.Leaf, 5 * Page));
        _tree.Leaf.Memory.MaxBytes = Page;
        Assert.Throws<MemoryLimitExceededException>(() => new LockedMemory(_tree.Leaf, 2 * Page));
        Assert.Equal([0, 0, 0], _tree.Memory);
        AssertLocked(0);
        Assert.Throws<ArgumentOutOfRangeException>(() => new LockedMemory(_tree.Leaf, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LockedMemory(_tree.Leaf, long.MaxValue));
    }

    [Fact]
    public void The_lock_of_a_worker_moves_with_him()
    {
        var worker = new PinWorker(_tree.Leaf);
        using var memory = new LockedMemory(worker, 4 * Page);
        worker.MoveTo(_tree.Middle);
        Assert.Equal([4 * Page, 4 * Page, 0], _tree.Pins);
        Assert.Same(_tree.Middle, memory.Group);
        memory.Dispose();
        AssertLocked(0);
    }

    [Fact]
    public void Ranges_are_checked()
    {
        using var memory = new LockedMemory(_tree.Leaf, 100);
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Unlock(0, 101));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Unlock(-1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Unlock(101, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.Lock(50, long.MaxValue));
    }

    private void AssertLocked(long pages)
    {
        LockedPages.OfProcess.Validate();
        Assert.Equal(pages * Page, KernelPins.VmLck - _before);
        Assert.Equal(pages * Page, _tree.Root.ReadStat().LockedBytes);
        Assert.Equal(pages * Page, _tree.Root.Pins.CurrentBytes);
    }
}
