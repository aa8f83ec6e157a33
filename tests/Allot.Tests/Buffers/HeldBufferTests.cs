using System.Buffers;
using Allot.Tests.PinSources;

namespace Allot.Tests.Buffers;

/// <summary>Buffers that are locked or pinned as long as they live: what the kernel has locked is what their group pays
/// for.</summary>
[Collection(KernelPins.Collection)]
public sealed class HeldBufferTests : IDisposable
{
    private static readonly GroupBufferOptions s_locked = new() { HeldAs = PinKind.Locked };
    private static readonly GroupBufferOptions s_pinned = new() { HeldAs = PinKind.Pinned };

    private readonly TreeOfThree _tree = new();

    public HeldBufferTests() =>
        Assert.SkipUnless(KernelPins.VmLck == 0, "Something else in the process is locked.");

    private static long Page => KernelPins.Page;

    public static TheoryData<PinKind> Kinds => [PinKind.Locked, PinKind.Pinned];

    public void Dispose()
    {
        Assert.Equal([0, 0, 0], _tree.Pins);
        Assert.Equal([0, 0, 0], _tree.Memory);
        Assert.Equal(0, KernelPins.VmLck);
        Assert.Equal(0, _tree.Root.ReadEvents().AccountingErrors);
        LockedPages.OfProcess.Validate();
    }

    [Fact]
    public void A_locked_buffer_of_a_pool_is_locked_until_it_is_disposed()
    {
        using var pool = new GroupMemoryPool(_tree.Leaf, s_locked);
        IMemoryOwner<byte> first = pool.Rent(100), second = pool.Rent(100), large = pool.Rent(100_000);
        AssertLocked(atLeast: 100_000);
        first.Memory.Span.Fill(1);
        first.Dispose();
        first.Dispose();
        Assert.Throws<ObjectDisposedException>(() => first.Memory.Span.Length);
        AssertLocked(atLeast: 100_000);
        large.Dispose();
        AssertLocked(atLeast: 1);   // the page of the second, which it may have shared with the first
        second.Dispose();
        AssertLocked(atLeast: 0);
    }

    [Fact]
    public void A_pinned_buffer_of_a_pool_pays_its_bytes_until_the_last_pin_is_gone()
    {
        using var pool = new GroupMemoryPool(_tree.Leaf, s_pinned);
        IMemoryOwner<byte> buffer = pool.Rent(10_000);
        long bytes = buffer.Memory.Length;
        Assert.Equal([bytes, bytes, bytes], _tree.Pins);
        Assert.Equal(bytes, _tree.Leaf.ReadPinStat().BytesOf(PinSource.BufferPool));
        MemoryHandle handle = buffer.Memory.Pin();
        buffer.Dispose();
        Assert.Equal([bytes, bytes, bytes], _tree.Pins);   // it is there until it is unpinned
        handle.Dispose();
        Assert.Equal([0, 0, 0], _tree.Pins);
    }

    [Theory, MemberData(nameof(Kinds))]
    public void A_refused_buffer_charges_nothing(PinKind kind)
    {
        _tree.Middle.Pins.MaxBytes = 2 * Page;
        using var pool = new GroupMemoryPool(_tree.Leaf, new GroupBufferOptions { HeldAs = kind });
        var refused = Assert.Throws<MemoryLimitExceededException>(() => pool.Rent(100_000));
        Assert.Equal(CounterKind.Pins, refused.Refusal.Counter);
        Assert.Equal([0, 0, 0], _tree.Pins);
        Assert.Equal([0, 0, 0], _tree.Memory);
        Assert.Equal(0, KernelPins.VmLck);
        Assert.Throws<MemoryLimitExceededException>(() => new GroupArray<int>(
            _tree.Leaf, 100_000, new GroupBufferOptions { HeldAs = kind }));
    }

    [Theory, MemberData(nameof(Kinds))]
    public void An_array_keeps_its_hold_and_its_elements_when_growing_is_refused(PinKind kind)
    {
        using var array = new GroupArray<long>(_tree.Leaf, 1000, new GroupBufferOptions { HeldAs = kind });
        for (int i = 0; i < 1000; i++) array[i] = i;
        long pins = _tree.Leaf.Pins.CurrentBytes, memory = _tree.Leaf.Memory.CurrentBytes, locked = KernelPins.VmLck;
        _tree.Leaf.Pins.MaxBytes = pins + Page;
        Assert.Throws<MemoryLimitExceededException>(() => array.Resize(1_000_000));
        Assert.Equal((1000, pins, memory), (array.Length, _tree.Leaf.Pins.CurrentBytes, _tree.Leaf.Memory.CurrentBytes));
        Assert.Equal((locked, 999L), (KernelPins.VmLck, array[999]));
        _tree.Leaf.Pins.MaxBytes = MemoryGroup.Unlimited;
        array.Resize(100_000);
        Assert.Equal((999L, 0L), (array[999], array[99_999]));
        AssertHeld(kind, atLeast: 800_000);
        array.Resize(10);
        Assert.Equal(9, array[9]);
        array.Dispose();
        array.Dispose();
    }

    [Theory, MemberData(nameof(Kinds))]
    public void A_writer_and_a_stream_hold_all_that_they_have(PinKind kind)
    {
        var options = new GroupBufferOptions { HeldAs = kind };
        using (var writer = new GroupBufferWriter(_tree.Leaf, options))
        {
            for (int i = 0; i < 100; i++) writer.Write(new byte[1000]);
            AssertHeld(kind, atLeast: 100_000);
            long pins = _tree.Leaf.Pins.CurrentBytes;
            _tree.Leaf.Pins.MaxBytes = pins;
            Assert.Throws<MemoryLimitExceededException>(() => writer.GetSpan(1 << 20));
            Assert.Equal((100_000, pins), (writer.WrittenBytes, _tree.Leaf.Pins.CurrentBytes));
            _tree.Leaf.Pins.MaxBytes = MemoryGroup.Unlimited;
        }

        using (var stream = new GroupMemoryStream(_tree.Leaf, options))
        {
            stream.Write(new byte[300_000]);
            AssertHeld(kind, atLeast: 300_000);
            long pins = _tree.Leaf.Pins.CurrentBytes;
            _tree.Leaf.Pins.MaxBytes = pins + Page;
            Assert.Throws<MemoryLimitExceededException>(() => stream.Write(new byte[3_000_000]));
            Assert.Equal((300_000, pins), (stream.Length, _tree.Leaf.Pins.CurrentBytes));
            stream.SetLength(100);
            Assert.True(_tree.Leaf.Pins.CurrentBytes < pins);
        }
    }

    [Theory, MemberData(nameof(Kinds))]
    public void What_a_removed_group_holds_is_its_heirs_until_it_is_disposed(PinKind kind)
    {
        using var pool = new GroupMemoryPool(_tree.Leaf, new GroupBufferOptions { HeldAs = kind });
        using IMemoryOwner<byte> buffer = pool.Rent(10_000);
        long pins = _tree.Root.Pins.CurrentBytes, locked = KernelPins.VmLck;
        _tree.Leaf.Remove();
        Assert.Equal([pins, pins, 0], _tree.Pins);
        Assert.Equal(locked, KernelPins.VmLck);
        Assert.Throws<MemoryLimitExceededException>(() => pool.Rent(100));
        Assert.Equal([pins, pins, 0], _tree.Pins);
        buffer.Memory.Span.Fill(1);
    }

    [Fact]
    public void Where_the_system_does_not_lock_nothing_is_charged()
    {
        Unprivileged.Require();
        Unprivileged.Run(limitPages: 4, () =>
        {
            _ = KernelCalls.Map(4 * Page, KernelCalls.Private | KernelCalls.Locked, out nint taken);
            using var pool = new GroupMemoryPool(_tree.Leaf, s_locked);
            Assert.Throws<MemoryLockException>(() => pool.Rent(100));   // others have what the process may lock
            Assert.Equal([0, 0, 0], _tree.Pins);
            Assert.Equal([0, 0, 0], _tree.Memory);
            using var array = new GroupArray<byte>(_tree.Leaf, 0);
            Assert.Equal(0, KernelCalls.Unmap(taken, 4 * Page));
            using IMemoryOwner<byte> buffer = pool.Rent(100);
            AssertLocked(atLeast: 100);
        });
    }

    [Fact]
    public void Options_that_are_unknown_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new GroupMemoryPool(
            _tree.Leaf, new GroupBufferOptions { HeldAs = (PinKind)7 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => new GroupMemoryStream(
            _tree.Leaf, new GroupBufferOptions { Kind = (MemoryKind)7 }));
    }

    // On all threads at once, with buffers that share pages.
    [Fact]
    public void Buffers_that_share_pages_are_locked_and_unlocked_by_8_threads()
    {
        using var pool = new GroupMemoryPool(_tree.Leaf, s_locked);
        Parallel.For(0, 8, new ParallelOptions { MaxDegreeOfParallelism = 8 }, thread =>
        {
            var random = new Random(thread);
            var held = new Queue<IMemoryOwner<byte>>();
            for (int i = 0; i < 300; i++)
            {
                held.Enqueue(pool.Rent(random.Next(1, 3000)));
                if (held.Count > 10) held.Dequeue().Dispose();
            }

            foreach (IMemoryOwner<byte> buffer in held) buffer.Dispose();
        });
        AssertLocked(atLeast: 0);
    }

    private void AssertHeld(PinKind kind, long atLeast)
    {
        if (kind == PinKind.Locked) AssertLocked(atLeast);
        Assert.InRange(_tree.Leaf.Pins.CurrentBytes, atLeast, long.MaxValue);
    }

    private void AssertLocked(long atLeast)
    {
        long locked = KernelPins.VmLck;
        Assert.InRange(locked, atLeast, long.MaxValue);
        Assert.Equal([locked, locked, locked], _tree.Pins);
        Assert.Equal(locked, _tree.Leaf.ReadPinStat().BytesOf(PinSource.MemoryLock));
    }
}
