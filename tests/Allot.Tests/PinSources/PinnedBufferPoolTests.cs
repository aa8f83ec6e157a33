using System.Buffers;
using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Allot.Tests.Buffers;

namespace Allot.Tests.PinSources;

[Collection(KernelPins.Collection)]   // some of it locks, and leaks are counted for the process
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

    public static TheoryData<string> Pins => new(["pool", "array", "handle", "memory", "account", "secret", "unique"]);

    [Theory, MemberData(nameof(Pins))]
    public void Free_buffers_make_room_for_any_pin_below_the_limit_and_are_no_refusal(string what)
    {
        MemoryGroup sibling = _tree.Middle.CreateChild("sibling");
        _tree.Middle.Pins.MaxBytes = 64 << 10;
        using var pool = new PinnedBufferPool(sibling);
        IMemoryOwner<byte>[] rented = [.. Enumerable.Range(0, 16).Select(_ => pool.Rent())];
        foreach (IMemoryOwner<byte> buffer in rented[..12]) buffer.Dispose();
        using (Pin(what, 16 << 10))
        {
            Assert.InRange(_tree.Leaf.Pins.CurrentBytes, 16 << 10, 20 << 10);
            Assert.InRange(pool.IdleBytes, 28 << 10, 32 << 10);   // no more than was missing
            Assert.Equal(0, _tree.Root.ReadEvents().PinsMax);

            // What is in use stays, and a refusal changes nothing.
            long idle = pool.IdleBytes;
            Assert.Throws<MemoryLimitExceededException>(() => Pin(what, 48 << 10));
            Assert.Throws<MemoryLimitExceededException>(() => Pin(what, 1 << 20));
            Assert.Equal(idle, pool.IdleBytes);
            Assert.Equal(2, _tree.Middle.ReadLocalEvents().PinsMax);
        }
    }

    [Fact]
    public void Free_buffers_outside_of_the_limit_stay()
    {
        MemoryGroup sibling = _tree.Middle.CreateChild("sibling");
        _tree.Leaf.Pins.MaxBytes = 8192;
        using var pool = new PinnedBufferPool(sibling);
        pool.Rent().Dispose();
        using var above = new PinnedBufferPool(_tree.Middle);
        above.Rent().Dispose();
        Assert.Throws<MemoryLimitExceededException>(() => Pin("array", 12 << 10));
        using var account = new PinAccount(_tree.Leaf);
        account.Pin(8192);
        Assert.False(account.TryPin(1, out _));
        Assert.Equal((4096, 4096), (pool.IdleBytes, above.IdleBytes));
    }

    [Fact]
    public void Free_buffers_make_room_at_each_level_that_refuses()
    {
        _tree.Leaf.Pins.MaxBytes = 8192;
        _tree.Middle.Pins.MaxBytes = 12 << 10;
        using var pool = new PinnedBufferPool(_tree.Leaf);
        using var above = new PinnedBufferPool(_tree.Middle);
        IMemoryOwner<byte>[] rented = [pool.Rent(), pool.Rent(), above.Rent()];
        foreach (IMemoryOwner<byte> buffer in rented) buffer.Dispose();
        using (Pin("array", 8192)) Assert.Equal((0, 4096), (pool.IdleBytes, above.IdleBytes));
        using (Pin("array", 4096)) Assert.Equal((0, 4096), (pool.IdleBytes, above.IdleBytes));
        pool.Rent().Dispose();
        using var account = new PinAccount(_tree.Middle);
        account.Pin(12 << 10);
        Assert.Equal((0, 0), (pool.IdleBytes, above.IdleBytes));
    }

    [Fact]
    public void Free_buffers_are_taken_by_one_of_many_that_need_room_and_all_get_what_fits()
    {
        const int Threads = 8;
        for (int round = 0; round < 40; round++) FillByThreads(Threads);
    }

    private void FillByThreads(int threads)
    {
        _tree.Middle.Pins.MaxBytes = 64 << 10;
        using var pool = new PinnedBufferPool(_tree.Leaf);
        IMemoryOwner<byte>[] rented = [.. Enumerable.Range(0, 16).Select(_ => pool.Rent())];
        foreach (IMemoryOwner<byte> buffer in rented) buffer.Dispose();
        var accounts = new PinAccount[threads];
        using var barrier = new Barrier(threads);
        var refused = new ConcurrentQueue<Exception>();
        Thread[] all = [.. Enumerable.Range(0, threads).Select(i => new Thread(() => Pin(i)))];
        foreach (Thread thread in all) thread.Start();
        foreach (Thread thread in all) thread.Join();
        Assert.Empty(refused);
        Assert.Equal((0, 64 << 10), (pool.IdleBytes, _tree.Middle.Pins.CurrentBytes));
        foreach (PinAccount account in accounts) account.Dispose();
        Assert.Equal([0, 0, 0], _tree.Pins);

        void Pin(int i)
        {
            accounts[i] = new PinAccount(_tree.Leaf, new() { LockLimit = null });
            for (int page = 0; page < 2; page++)   // 64 KiB in all
            {
                barrier.SignalAndWait();
                if (!accounts[i].TryPin(4096, out ChargeRefusal refusal))
                {
                    refused.Enqueue(new MemoryLimitExceededException(refusal));
                }
            }
        }
    }

    [Fact]
    public void A_pool_that_is_forgotten_gives_its_free_buffers_back_and_is_counted_as_a_leak()
    {
        Forget(_tree.Leaf);
        Assert.Equal(12 << 10, _tree.Leaf.Pins.CurrentBytes);
        GroupMemoryPoolTests.CollectLeaks(() => _tree.Leaf.Pins.CurrentBytes == 0);
        Assert.Equal([0, 0, 0], _tree.Pins);
        Assert.Equal([0, 0, 0], _tree.Memory);
        Assert.Equal(1, _tree.Leaf.ReadEvents().PinsLeaked);
        PinReport leak = Assert.Single(PinLeaks.Recent, each => each.Group == _tree.Leaf);
        Assert.Equal((12 << 10, PinSource.BufferPool), (leak.Bytes, leak.Source));
        Assert.Equal(0, _tree.Root.Reclaim(long.MaxValue));   // it is asked no more

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget(MemoryGroup group)
        {
            var pool = new PinnedBufferPool(group);
            pool.Rent(8192).Dispose();
            pool.Rent(4096).Dispose();
        }
    }

    [Fact]
    public void A_buffer_that_is_forgotten_is_given_back_and_counted_as_a_leak()
    {
        using var pool = new PinnedBufferPool(_tree.Leaf);
        Forget(pool);
        GroupMemoryPoolTests.CollectLeaks(() => _tree.Leaf.Pins.CurrentBytes == 0);
        Assert.Equal([0, 0, 0], _tree.Memory);
        Assert.Equal(1, _tree.Leaf.ReadEvents().PinsLeaked);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget(PinnedBufferPool pool) => _ = pool.Rent();
    }

    [Fact]
    public void The_free_buffers_of_a_removed_group_are_not_left_to_its_heir()
    {
        MemoryGroup gone = _tree.Leaf.CreateChild("gone");
        using var pool = new PinnedBufferPool(gone);
        IMemoryOwner<byte> rented = pool.Rent(8192);
        pool.Rent().Dispose();
        gone.Remove();
        Assert.Equal((0, 8192), (pool.IdleBytes, _tree.Leaf.Pins.CurrentBytes));
        rented.Dispose();
        Assert.Equal([0, 0, 0], _tree.Pins);
        Assert.Throws<MemoryLimitExceededException>(() => pool.Rent());
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
    public void A_pool_ends_and_its_group_is_removed_while_many_threads_rent_and_trim()
    {
        const int Threads = 6;
        for (int round = 0; round < 30; round++)
        {
            MemoryGroup group = _tree.Leaf.CreateChild($"g{round}");
            group.Pins.MaxBytes = 200 << 10;
            using var pool = new PinnedBufferPool(group, new() { IdleBytesMax = 64 << 10 });
            using var barrier = new Barrier(Threads + 1);
            Thread[] threads = [.. Enumerable.Range(0, Threads).Select(i => new Thread(() => UseUntilItEnds(i)))];
            foreach (Thread thread in threads) thread.Start();
            barrier.SignalAndWait(TestContext.Current.CancellationToken);
            Thread.Yield();
            if (round % 2 == 0) pool.Dispose();
            else group.Remove();
            foreach (Thread thread in threads) thread.Join();
            Assert.Equal(0, pool.IdleBytes);
            Assert.Equal([0, 0, 0], _tree.Pins);
            Assert.Equal([0, 0, 0], _tree.Memory);
            if (round % 2 == 0) group.Remove();

            void UseUntilItEnds(int seed)
            {
                var random = new Random((round * 10) + seed);
                barrier.SignalAndWait();
                for (bool hasEnded = false; !hasEnded;)
                {
                    try
                    {
                        using IMemoryOwner<byte> first = pool.Rent(random.Next(40_000)), second = pool.Rent();
                        if (random.Next(10) == 0) pool.Trim();
                        if (random.Next(10) == 0) _tree.Root.Reclaim(4096);
                    }
                    catch (ObjectDisposedException)
                    {
                        hasEnded = true;
                    }
                    catch (MemoryLimitExceededException refused)
                    {
                        hasEnded = refused.Refusal.Reason == RefusalReason.GroupRemoved;
                    }
                }
            }
        }

        Assert.Equal(0, _tree.Root.ReadEvents().AccountingErrors);
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

    private IDisposable Pin(string what, int bytes)
    {
        switch (what)
        {
            case "pool":
                return new PinnedBufferPool(_tree.Leaf).Rent(bytes);
            case "array":
                return new PinnedArray<byte>(_tree.Leaf, bytes);
            case "handle":
                return PinnedHandle.Of(_tree.Leaf, new byte[bytes]);
            case "unique":
                return PinnedHandle.Of(_tree.Leaf, new byte[bytes], PinCounting.OncePerGroup);
            case "memory":
                return new PinnedMemory<byte>(_tree.Leaf, new byte[bytes]);
            case "secret":
                return new SecretBuffer(_tree.Leaf, bytes);
            default:
                var account = new PinAccount(_tree.Leaf);
                try
                {
                    account.Pin(bytes);
                    return account;
                }
                catch
                {
                    account.Dispose();
                    throw;
                }
        }
    }
}
