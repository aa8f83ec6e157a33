using System.Buffers;

namespace Allot.Tests.PinSources;

public sealed class PinnedBufferPoolTests
{
    private readonly TreeOfThree _tree = new();

    [Theory]
    [InlineData(-1, 4096), InlineData(0, 4096), InlineData(4096, 4096), InlineData(4097, 8192)]
    [InlineData(1 << 20, 1 << 20), InlineData((1 << 20) + 1, (1 << 20) + 1)]
    public void Buffers_are_powers_of_two_up_to_a_mebibyte(int asked, int got)
    {
        using var pool = new PinnedBufferPool(_tree.Leaf);
        using (IMemoryOwner<byte> buffer = pool.Rent(asked))
        {
            Assert.Equal(got, buffer.Memory.Length);
            Assert.Equal((got + 4095) / 4096 * 4096, _tree.Leaf.Pins.CurrentBytes);
            Assert.Equal(_tree.Leaf.Pins.CurrentBytes, _tree.Leaf.Memory.CurrentBytes);
        }

        pool.Dispose();
        Assert.Equal([0, 0, 0], _tree.Pins);
        Assert.Equal([0, 0, 0], _tree.Memory);
    }

    [Fact]
    public void A_buffer_is_used_again_and_stays_charged_meanwhile()
    {
        using var pool = new PinnedBufferPool(_tree.Leaf);
        byte[] first = ArrayOf(pool, 5000), second = ArrayOf(pool, 5000);
        Assert.Same(first, second);
        Assert.Equal((8192, 8192), (pool.IdleBytes, _tree.Leaf.Pins.CurrentBytes));
        Assert.Equal(8192, pool.Trim());
        Assert.Equal((0, 0), (pool.IdleBytes, _tree.Leaf.Pins.CurrentBytes));

        static byte[] ArrayOf(PinnedBufferPool pool, int bytes)
        {
            using IMemoryOwner<byte> buffer = pool.Rent(bytes);
            System.Runtime.InteropServices.MemoryMarshal.TryGetArray(buffer.Memory, out ArraySegment<byte> segment);
            return segment.Array!;
        }
    }

    [Fact]
    public void What_is_disposed_twice_is_returned_once()
    {
        using var pool = new PinnedBufferPool(_tree.Leaf);
        IMemoryOwner<byte> first = pool.Rent();
        first.Dispose();
        IMemoryOwner<byte> second = pool.Rent();
        first.Dispose();
        IMemoryOwner<byte> third = pool.Rent();
        Assert.False(second.Memory.Span.Overlaps(third.Memory.Span));
        Assert.Throws<ObjectDisposedException>(() => first.Memory.Length);
        Assert.Equal(8192, _tree.Leaf.Pins.CurrentBytes);
    }

    [Fact]
    public void Free_buffers_make_room_for_another_size()
    {
        _tree.Middle.Pins.MaxBytes = 64 << 10;
        using var pool = new PinnedBufferPool(_tree.Leaf);
        IMemoryOwner<byte>[] small = [.. Enumerable.Range(0, 16).Select(_ => pool.Rent(4096))];
        Assert.Throws<MemoryLimitExceededException>(() => pool.Rent(8192));
        foreach (IMemoryOwner<byte> buffer in small) buffer.Dispose();
        using IMemoryOwner<byte> large = pool.Rent(64 << 10);
        Assert.Equal(64 << 10, _tree.Leaf.Pins.CurrentBytes);
    }

    [Fact]
    public void Free_buffers_are_given_back_when_their_group_is_reclaimed_from()
    {
        using var pool = new PinnedBufferPool(_tree.Leaf);
        for (int i = 0; i < 4; i++) pool.Rent(4096 << i).Dispose();
        Assert.True(_tree.Root.Reclaim(long.MaxValue) > 0);
        Assert.Equal([0, 0, 0], _tree.Memory);
        Assert.Equal([0, 0, 0], _tree.Pins);
    }

    [Fact]
    public void What_is_returned_after_the_pool_is_gone_is_given_back()
    {
        var pool = new PinnedBufferPool(_tree.Leaf, new() { IdleBytesMax = 0 });
        IMemoryOwner<byte> buffer = pool.Rent();
        pool.Dispose();
        Assert.Equal(4096, _tree.Leaf.Pins.CurrentBytes);
        buffer.Dispose();
        Assert.Equal(0, _tree.Leaf.Pins.CurrentBytes);
        Assert.Throws<ObjectDisposedException>(() => pool.Rent());
    }

    [Fact]
    public void Many_threads_rent_and_return_and_nothing_is_left()
    {
        using var pool = new PinnedBufferPool(_tree.Leaf, new() { IdleBytesMax = 64 << 10 });
        Parallel.For(0, 4, thread =>
        {
            var random = new Random(thread);
            var held = new Queue<IMemoryOwner<byte>>();
            for (int i = 0; i < 5_000; i++)
            {
                IMemoryOwner<byte> buffer = pool.Rent(1 + random.Next(20_000));
                buffer.Memory.Span[0] = (byte)thread;
                held.Enqueue(buffer);
                if (held.Count < 5) continue;
                using IMemoryOwner<byte> oldest = held.Dequeue();
                Assert.Equal((byte)thread, oldest.Memory.Span[0]);
            }

            foreach (IMemoryOwner<byte> buffer in held) buffer.Dispose();
        });
        Assert.Equal(pool.IdleBytes, _tree.Leaf.Pins.CurrentBytes);
        pool.Dispose();
        Assert.Equal([0, 0, 0], _tree.Pins);
        Assert.Equal([0, 0, 0], _tree.Memory);
    }
}
