using System.Runtime.CompilerServices;
using Allot.Tests.Reclaim;

namespace Allot.Tests.PinSources;

/// <summary>The rows of the check list of pins that are about a source: A16 and A17 are with the locks.</summary>
[Collection(KernelPins.Collection)]
public sealed class PinSourceConformanceTests : IDisposable
{
    private readonly TreeOfThree _tree = new();
    private readonly long _lockedBefore = KernelPins.VmLck;
    private readonly long _pinnedBefore = KernelPins.VmPin;

    private static long Page => KernelPins.Page;

    private MemoryGroup A => _tree.Middle;

    private MemoryGroup A1 => _tree.Leaf;

    public void Dispose()
    {
        Assert.Equal([0, 0, 0], _tree.Pins);
        Assert.Equal((_lockedBefore, _pinnedBefore), (KernelPins.VmLck, KernelPins.VmPin));
    }

    [Fact]
    public void A19_what_is_locked_and_pinned_counts_in_both()
    {
        KernelPins.RequireIoUring();
        using var memory = new LockedMemory(A1, 16 * Page);
        using (var ring = new IoRing(A1))
        {
            ring.Register(memory.Memory);
            Assert.Equal(32 * Page, A1.Pins.CurrentBytes);
            Assert.Equal((16 * Page, 16 * Page), (A1.ReadPinStat().LockedBytes, A1.ReadPinStat().PinnedBytes));
            Assert.Equal(16 * Page, KernelPins.VmLck - _lockedBefore);
            Assert.Equal(16 * Page, KernelPins.VmPin - _pinnedBefore);
            Assert.Equal(16 * Page, A1.ReadPinStat().BytesOf(PinSource.Ring));
        }

        Assert.Equal(16 * Page, A1.Pins.CurrentBytes);
        memory.Dispose();
    }

    [Fact]
    public void A24_what_is_forgotten_is_given_back_by_the_finalizer_and_counted_as_a_leak()
    {
        long leaksBefore = PinLeaks.Count;
        PinFinder.RecordsPlaces = true;
        try
        {
            Forget(A1);
        }
        finally
        {
            PinFinder.RecordsPlaces = false;
        }

        Collect();
        Assert.InRange(PinLeaks.Count - leaksBefore, 3, long.MaxValue);   // what other tests forgot is counted too
        Assert.Equal(3, A1.ReadEvents().PinsLeaked);
        PinReport[] leaks = [.. PinLeaks.Recent.Where(leak => leak.Group == A1)];
        Assert.Equal(3, leaks.Length);
        Assert.All(leaks, leak => Assert.Contains(nameof(Forget), leak.Place, StringComparison.Ordinal));

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget(MemoryGroup group)
        {
            _ = new LockedMemory(group, 100);
            _ = PinnedHandle.Of(group, new byte[100]);
            _ = new PinnedMemory<byte>(group, new byte[100]);
            Assert.Equal(Page + 200, group.Pins.CurrentBytes);
        }
    }

    [Fact]
    public void A30_in_unique_mode_a_buffer_counts_once_for_its_group()
    {
        MemoryGroup b = _tree.Root.CreateChild("B");
        byte[] buffer = new byte[4 * Page];
        PinnedHandle first = PinnedHandle.Of(A1, buffer, PinCounting.OncePerGroup);
        using (var second = new PinnedMemory<byte>(A1, buffer.AsMemory(10, 20), PinCounting.OncePerGroup))
        using (PinnedHandle others = PinnedHandle.Of(b, buffer, PinCounting.OncePerGroup))
        {
            Assert.Equal((4 * Page, 4 * Page), (A1.Pins.CurrentBytes, b.Pins.CurrentBytes));
            first.Dispose();
            first.Dispose();
            Assert.Equal(4 * Page, A1.Pins.CurrentBytes);
        }

        Assert.Equal(0, A1.Pins.CurrentBytes);
    }

    [Fact]
    public void A30_in_unique_mode_native_memory_counts_once_for_its_group_too()
    {
        using var memory = new LockedMemory(A1, Page);
        using var first = new PinnedMemory<byte>(A1, memory.Memory, PinCounting.OncePerGroup);
        using var second = new PinnedMemory<byte>(A1, memory.Memory, PinCounting.OncePerGroup);
        Assert.Equal(2 * Page, A1.Pins.CurrentBytes);   // the lock, and the pin
        first.Dispose();
        Assert.Equal(2 * Page, A1.Pins.CurrentBytes);
        second.Dispose();
        Assert.Equal(Page, A1.Pins.CurrentBytes);
    }

    [Fact]
    public void A30_in_unique_mode_the_first_pin_that_somebody_pays_for_is_charged()
    {
        byte[] buffer = new byte[4 * Page];
        PinnedHandle first;
        using (AllocationScope.BlockAccounting()) first = PinnedHandle.Of(A1, buffer, PinCounting.OncePerGroup);
        Assert.Equal(0, A1.Pins.CurrentBytes);
        A1.Pins.MaxBytes = 2 * Page;
        Assert.Throws<MemoryLimitExceededException>(() => PinnedHandle.Of(A1, buffer, PinCounting.OncePerGroup));
        A1.Pins.MaxBytes = MemoryGroup.Unlimited;
        PinnedHandle second = PinnedHandle.Of(A1, buffer, PinCounting.OncePerGroup);
        Assert.Equal(4 * Page, A1.Pins.CurrentBytes);
        first.Dispose();
        Assert.Equal(4 * Page, A1.Pins.CurrentBytes);
        second.Dispose();
        Assert.Equal((0, 0), (A1.Pins.CurrentBytes, A1.ReadEvents().AccountingErrors));
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_pin_that_is_refused_costs_no_cache_its_memory(bool isLocked)
    {
        long maxBytes = 16 * Page;
        MemoryGroup group = _tree.Root.CreateChild("C", new() { MaxBytes = maxBytes, PinsMaxBytes = 0 });
        using TestCache cache = new TestCache(group, Page).Fill(maxBytes);
        Assert.Throws<MemoryLimitExceededException>(() =>
        {
            if (isLocked) new LockedMemory(group, Page).Dispose();
            else new PinnedArray<byte>(group, (int)Page).Dispose();
        });
        Assert.Equal(maxBytes, group.Memory.CurrentBytes);
        Assert.Empty(cache.Asked);
    }

    [Fact]
    public void A31_a_fixed_statement_is_free()
    {
        A1.Pins.MaxBytes = 0;
        byte[] buffer = new byte[100];
        using (A1.Enter()) Touch(buffer);
        Assert.Equal(0, A1.Pins.PeakBytes);

        static unsafe void Touch(byte[] buffer)
        {
            fixed (byte* start = buffer) *start = 1;
        }
    }

    [Fact]
    public void A32_an_array_on_the_pinned_heap_counts_in_pages_until_it_is_collected_or_given_up()
    {
        using (var array = new PinnedArray<int>(A1, 1025))
        {
            Assert.Equal(2 * Page, A1.Pins.CurrentBytes);
            Assert.Equal(2 * Page, A1.Memory.CurrentBytes);
            Assert.Equal(2 * Page, A1.ReadPinStat().BytesOf(PinSource.ManagedArray));
            Assert.Equal(2, GC.GetGeneration(array.Array));
        }

        Assert.Equal(0, A1.Pins.CurrentBytes);
        Keep(A1);
        Collect();
        Assert.Equal((0, 0), (A1.Pins.CurrentBytes, A1.Memory.CurrentBytes));
        Assert.Equal(0, A1.ReadEvents().PinsLeaked);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Keep(MemoryGroup group)
        {
            int[] kept = Allocate(group);
            Collect();
            Assert.Equal(Page, group.Pins.CurrentBytes);   // its owner is gone, it is not
            GC.KeepAlive(kept);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static int[] Allocate(MemoryGroup group) => new PinnedArray<int>(group, 3).Array;
    }

    [Fact]
    public void A33_what_is_not_aligned_counts_the_pages_that_it_touches()
    {
        KernelPins.RequireIoUring();
        using var memory = new LockedMemory(A, 2 * Page);
        using (var ring = new IoRing(A1))
        {
            ring.Register(memory.Memory.Slice(100, (int)Page));
            Assert.Equal(2 * Page, A1.Pins.CurrentBytes);
            Assert.Equal(2 * Page, KernelPins.VmPin - _pinnedBefore);
        }

        memory.Dispose();
    }

    [Fact]
    public async Task A34_a_burst_of_refusals_is_told_once_and_counted_exactly()
    {
        A.Pins.MaxBytes = 0;
        using var account = new PinAccount(A1, new() { LockLimit = null });
        var told = System.Threading.Channels.Channel.CreateUnbounded<long>();
        using var isRead = new SemaphoreSlim(0);
        using (A.WatchPins(group =>
        {
            told.Writer.TryWrite(group.ReadEvents().PinsMax);
            isRead.Wait(TestContext.Current.CancellationToken);
        }))
        {
            // The first is told at once; those that come while its reader is busy, together.
            Assert.False(account.TryPin(1, out _));
            Assert.Equal(1, await told.Reader.ReadAsync(TestContext.Current.CancellationToken));
            for (int i = 0; i < 100; i++) Assert.False(account.TryPin(1, out _));
            isRead.Release();
            Assert.Equal(101, await told.Reader.ReadAsync(TestContext.Current.CancellationToken));
            isRead.Release();
        }

        Assert.False(account.TryPin(1, out _));
        Assert.False(told.Reader.TryRead(out _));
        Assert.Equal((102, 0), (A.ReadLocalEvents().PinsMax, A1.ReadLocalEvents().PinsMax));
    }

    private static void Collect()
    {
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }
}
