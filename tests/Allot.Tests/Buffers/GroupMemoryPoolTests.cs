using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using Allot.Testing;

namespace Allot.Tests.Buffers;

public sealed class GroupMemoryPoolTests
{
    private readonly TreeOfThree _tree = new();

    private MemoryGroup Group => _tree.Leaf;

    private long Used => Group.Memory.CurrentBytes;

    [Theory]
    [InlineData(-1, 4096)]
    [InlineData(0, 8)]
    [InlineData(1, 8)]
    [InlineData(1000, 1024)]
    [InlineData(300_000, 5 * 65536)]
    public void A_buffer_is_as_large_as_what_is_charged_for_it(int asked, int bytes)
    {
        using var pool = new GroupMemoryPool(Group);
        using (IMemoryOwner<byte> buffer = pool.Rent(asked))
        {
            Assert.Equal(bytes, buffer.Memory.Length);
            Assert.Equal([bytes, bytes, bytes], _tree.Memory);
            Assert.Equal([0, 0, 0], _tree.Kernel);
            buffer.Memory.Span.Fill(0x5a);
            Assert.Equal(-1, buffer.Memory.Span.IndexOfAnyExcept((byte)0x5a));
        }

        Assert.Equal([0, 0, 0], _tree.Memory);
    }

    [Fact]
    public void Its_kind_can_be_kernel_memory()
    {
        using var pool = new GroupMemoryPool(Group, MemoryKind.Kernel);
        using IMemoryOwner<byte> buffer = pool.Rent(100);
        Assert.Equal([112, 112, 112], _tree.Kernel);
    }

    [Fact]
    public void There_is_no_size_that_a_client_takes_elsewhere() =>
        Assert.Equal(int.MaxValue, GroupMemoryPool.Ambient.MaxBufferSize);

    [Fact]
    public void A_refusal_explains_and_charges_nothing()
    {
        Group.Memory.MaxBytes = 1023;
        using var pool = new GroupMemoryPool(Group);
        var refused = Assert.Throws<MemoryLimitExceededException>(() => pool.Rent(1000));
        Assert.Equal((Group, 1024L), (refused.Refusal.Limiter, refused.Refusal.RequestedBytes));
        Assert.Equal(0, Used);
    }

    [Fact]
    public void Wrong_calls_are_found()
    {
        var pool = new GroupMemoryPool(Group);
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.Rent(-2));
        Assert.Throws<ArgumentNullException>(() => new GroupMemoryPool(null!));
        Assert.Throws<ArgumentOutOfRangeException>(() => new GroupMemoryPool(Group, (MemoryKind)7));
        IMemoryOwner<byte> buffer = pool.Rent(10);
        pool.Dispose();
        Assert.Throws<ObjectDisposedException>(() => pool.Rent(10));
        buffer.Memory.Span[0] = 1;   // what was rented stays
        buffer.Dispose();
        Assert.Equal(0, Used);
    }

    [Fact]
    public void Disposed_twice_it_is_freed_once_and_used_later_it_throws()
    {
        using var pool = new GroupMemoryPool(Group);
        IMemoryOwner<byte> buffer = pool.Rent(100);
        Memory<byte> memory = buffer.Memory, part = memory[10..20];
        buffer.Dispose();
        using IMemoryOwner<byte> next = pool.Rent(100);   // most likely the same block
        buffer.Dispose();
        Assert.Equal(112, Used);
        Assert.Throws<ObjectDisposedException>(() => buffer.Memory);
        Assert.Throws<ObjectDisposedException>(() => memory.Span.Length);
        Assert.Throws<ObjectDisposedException>(() => part.Span.Length);
        Assert.Throws<ObjectDisposedException>(() => memory.Pin());
    }

    [Fact]
    public unsafe void What_is_pinned_stays_until_it_is_unpinned()
    {
        using var pool = new GroupMemoryPool(Group);
        IMemoryOwner<byte> buffer = pool.Rent(100);
        Memory<byte> memory = buffer.Memory;
        MemoryHandle first = memory.Pin(), second = memory[5..].Pin(), copyOfSecond = second;
        Assert.Equal((nint)first.Pointer + 5, (nint)second.Pointer);
        buffer.Dispose();
        buffer.Dispose();
        first.Dispose();
        Assert.Equal(112, Used);
        Assert.Throws<ObjectDisposedException>(() => memory.Span.Length);
        *(byte*)second.Pointer = 1;
        second.Dispose();
        Assert.Equal(0, Used);
        Assert.Throws<InvalidOperationException>(copyOfSecond.Dispose);
        Assert.Equal(0, Used);
    }

    [Fact]
    public void Of_threads_that_dispose_at_once_one_frees()
    {
        const int Rounds = 2_000;
        using var pool = new GroupMemoryPool(Group);
        using var barrier = new Barrier(2);
        IMemoryOwner<byte>[] buffers = [.. Enumerable.Range(0, Rounds).Select(_ => pool.Rent(64))];
        MemoryHandle[] pins = [.. buffers.Where((_, i) => i % 2 == 0).Select(buffer => buffer.Memory.Pin())];
        void DisposeAll(bool unpins)
        {
            for (int i = 0; i < Rounds; i++)
            {
                barrier.SignalAndWait();
                if (unpins && i % 2 == 0)
                {
                    pins[i / 2].Dispose();
                }
                else
                {
                    buffers[i].Dispose();
                }
            }
        }

        var other = new Thread(() => DisposeAll(unpins: true));
        other.Start();
        DisposeAll(unpins: false);
        other.Join();
        Assert.Equal([0, 0, 0], _tree.Memory);   // a block that is freed twice ends the process
        Assert.Equal(0, _tree.Root.ReadEvents().AccountingErrors);
    }

    [Fact]
    public void Rented_on_one_thread_and_disposed_on_another_while_groups_come_and_go_all_of_it_comes_back()
    {
        const int Buffers = 4_000;
        var queue = new System.Collections.Concurrent.BlockingCollection<IMemoryOwner<byte>>(boundedCapacity: 64);
        MemoryGroup current = Group;
        var producer = new Thread(() =>
        {
            var random = new Prng(1);
            for (int i = 0; i < Buffers; i++)
            {
                using ActiveGroupScope scope = Volatile.Read(ref current).Enter();
                IMemoryOwner<byte> buffer = GroupMemoryPool.Ambient.Rent(random.Below(5_000));
                buffer.Memory.Span[0] = (byte)i;
                queue.Add(buffer, TestContext.Current.CancellationToken);
            }

            queue.CompleteAdding();
        });
        producer.Start();
        int seen = 0;
        foreach (IMemoryOwner<byte> buffer in queue.GetConsumingEnumerable(TestContext.Current.CancellationToken))
        {
            Assert.Equal((byte)seen, buffer.Memory.Span[0]);
            buffer.Dispose();
            if (++seen % 50 != 0) continue;
            MemoryGroup before = current;
            Volatile.Write(ref current, _tree.Middle.CreateChild($"g{seen}"));
            before.Remove();   // also between the look and the charge of the producer: then its heir pays
        }

        producer.Join();
        queue.Dispose();
        Assert.Equal(Buffers, seen);
        Assert.Equal([0, 0, 0], _tree.Memory);
        Assert.Equal(0, _tree.Root.ReadEvents().AccountingErrors);
        Assert.Empty(TreeWalk.FindViolations(_tree.Controller));
    }

    [Fact]
    public void The_ambient_pool_charges_whoever_is_current_and_nobody_where_nobody_is()
    {
        using (IMemoryOwner<byte> nobodys = GroupMemoryPool.Ambient.Rent(100)) Assert.Equal([0, 0, 0], _tree.Memory);
        IMemoryOwner<byte> ofLeaf, ofHeir, blocked;
        using (Group.Enter())
        {
            ofLeaf = GroupMemoryPool.Ambient.Rent(100);
            Assert.Equal([112, 112, 112], _tree.Memory);
            using (AllocationScope.BlockAccounting()) blocked = GroupMemoryPool.Shared.Rent(100);
            Assert.Equal([112, 112, 112], _tree.Memory);
            Group.Remove();
            ofHeir = GroupMemoryPool.Ambient.Rent(100);
            Assert.Equal([224, 224, 0], _tree.Memory);
            GroupMemoryPool.Ambient.Dispose();
        }

        foreach (IMemoryOwner<byte> buffer in (IMemoryOwner<byte>[])[blocked, ofLeaf, ofHeir]) buffer.Dispose();
        Assert.Equal([0, 0, 0], _tree.Memory);
        Assert.Equal(0, _tree.Root.ReadEvents().AccountingErrors);
    }

    [Fact]
    public void What_nobody_disposes_the_collector_returns_and_counts()
    {
        long count = BufferLeaks.Count, bytes = BufferLeaks.Bytes;
        Leak(Group, 100);
        Assert.Equal(112, Used);
        CollectLeaks(() => Used == 0);
        Assert.Equal(0, Used);
        Assert.True(BufferLeaks.Count > count, "It was counted.");
        Assert.True(BufferLeaks.Bytes >= bytes + 112, "With its bytes.");
    }

    [Fact]
    public void A_buffer_after_many_that_were_disposed_is_found_as_well()
    {
        using var pool = new GroupMemoryPool(Group);
        foreach (int many in (int[])[1, 40, 3])
        {
            List<IMemoryOwner<byte>> buffers = [.. Enumerable.Range(0, many).Select(_ => pool.Rent(100))];
            foreach (IMemoryOwner<byte> buffer in buffers) buffer.Dispose();
        }

        for (int i = 0; i < 3; i++) Leak(Group, 100);
        Assert.Equal(3 * 112, Used);
        CollectLeaks(() => Used == 0);
        Assert.Equal(0, Used);
    }

    [Fact]
    public void A_leak_is_found_although_an_owner_that_was_disposed_before_is_kept()
    {
        using var pool = new GroupMemoryPool(Group);
        List<IMemoryOwner<byte>> kept = [];
        for (int i = 0; i < 5; i++)
        {
            kept.Add(pool.Rent(100));
            kept[^1].Dispose();   // what it was made of is used again by the next one
        }

        Leak(Group, 100);
        CollectLeaks(() => Used == 0);
        Assert.Equal(0, Used);
        foreach (IMemoryOwner<byte> owner in kept) owner.Dispose();
    }

    [Fact]
    public void An_owner_that_was_disposed_does_nothing_to_who_rents_after_it()
    {
        using var pool = new GroupMemoryPool(Group);
        IMemoryOwner<byte> stale = pool.Rent(100);
        Memory<byte> memory = stale.Memory;
        stale.Dispose();
        for (int i = 0; i < 40; i++)
        {
            IMemoryOwner<byte> next = pool.Rent(100);
            next.Memory.Span.Fill(7);
            stale.Dispose();
            Assert.Equal(112, Used);
            Assert.Throws<ObjectDisposedException>(() => memory.Span.Length);
            Assert.Throws<ObjectDisposedException>(() => memory.Pin());
            Assert.Throws<InvalidOperationException>(((MemoryManager<byte>)stale).Unpin);
            Assert.Equal(-1, next.Memory.Span.IndexOfAnyExcept((byte)7));
            using (MemoryHandle pinned = next.Memory.Pin())
            {
                next.Dispose();
                stale.Dispose();
                Assert.Equal(112, Used);
            }

            Assert.Equal(0, Used);
        }
    }

    [Fact]
    public void Of_two_threads_that_dispose_at_once_one_frees_and_nobody_elses_buffer_goes()
    {
        const int Rounds = 3000;
        CancellationToken stop = TestContext.Current.CancellationToken;
        using var pool = new GroupMemoryPool(Group);
        using var meeting = new Barrier(2);
        IMemoryOwner<byte>? shared = null;
        int broken = 0;
        var other = new Thread(() =>
        {
            for (int round = 0; round < Rounds; round++)
            {
                meeting.SignalAndWait(stop);
                DisposeAndRent(1);
                meeting.SignalAndWait(stop);
            }
        })
        {
            IsBackground = true,
        };
        other.Start();
        for (int round = 0; round < Rounds; round++)
        {
            shared = pool.Rent(100);
            meeting.SignalAndWait(stop);
            DisposeAndRent(2);
            meeting.SignalAndWait(stop);
        }

        other.Join();
        Assert.Equal(0, broken);
        Assert.Equal(0, Used);   // a block that is freed twice ends the process

        // Whoever comes first rents again at once, perhaps what the other is about to dispose.
        void DisposeAndRent(byte own)
        {
            IMemoryOwner<byte> disposed = shared!;
            disposed.Dispose();
            using IMemoryOwner<byte> next = pool.Rent(100);
            next.Memory.Span.Fill(own);
            disposed.Dispose();
            if (next.Memory.Span.IndexOfAnyExcept(own) >= 0) Interlocked.Increment(ref broken);
        }
    }

    [Fact]
    public void A_finalizer_may_dispose_what_the_collector_has_found_or_is_about_to()
    {
        for (int i = 0; i < 20; i++) Disposer.Forget(Group);
        CollectLeaks(() => Used == 0);
        Assert.Equal(0, Used);   // a block that is freed twice ends the process
        using var pool = new GroupMemoryPool(Group);
        for (int i = 0; i < 20; i++) pool.Rent(100).Dispose();
        Leak(Group, 100);
        CollectLeaks(() => Used == 0);
        Assert.Equal(0, Used);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(1, true)]
    public void What_the_collector_has_returned_is_safe_for_a_finalizer_that_uses_it_after_all(int pins, bool isDisposed)
    {
        GroupBuffer buffer = GroupBuffer.Allocate(Group, MemoryKind.User, 100);
        Memory<byte> memory = buffer.Memory;
        MemoryHandle[] handles = [.. Enumerable.Range(0, pins).Select(_ => memory.Pin())];
        if (isDisposed) buffer.Dispose();
        Assert.Equal(112, Used);
        buffer.FreeForgotten();
        Assert.Equal(0, Used);
        Assert.Throws<ObjectDisposedException>(() => memory.Span.Length);
        Assert.Throws<ObjectDisposedException>(() => memory.Pin());
        foreach (MemoryHandle handle in handles) handle.Dispose();
        buffer.Dispose();
        buffer.FreeForgotten();
        Assert.Equal(0, Used);   // a block that is freed twice ends the process
    }

    [Fact]
    public void What_was_disposed_pinned_and_never_unpinned_is_a_leak()
    {
        LeakPin(Group);
        Assert.Equal(112, Used);
        CollectLeaks(() => Used == 0);
        Assert.Equal(0, Used);
    }

    [Fact]
    public async Task A_pipe_lives_on_the_pool()
    {
        CancellationToken stop = TestContext.Current.CancellationToken;
        using var pool = new GroupMemoryPool(Group);
        var pipe = new Pipe(new PipeOptions(pool, useSynchronizationContext: false));
        byte[] sent = [.. Enumerable.Range(0, 50_000).Select(i => (byte)i)];
        await pipe.Writer.WriteAsync(sent.AsMemory(0, 20_000), stop);
        sent.AsSpan(20_000).CopyTo(pipe.Writer.GetSpan(30_000));   // one piece of this size
        pipe.Writer.Advance(30_000);
        await pipe.Writer.CompleteAsync();
        Assert.True(Used >= 50_000, "The pipe holds what was sent, on the account of the group.");
        var received = new MemoryStream();
        await pipe.Reader.CopyToAsync(received, stop);
        await pipe.Reader.CompleteAsync();
        Assert.Equal(sent, received.ToArray());
        Assert.Equal(0, Used);
    }

    [Fact]
    public async Task A_pipe_beyond_the_limit_fails_for_its_writer_and_loses_nothing()
    {
        CancellationToken stop = TestContext.Current.CancellationToken;
        Group.Memory.MaxBytes = 16 << 10;
        using var pool = new GroupMemoryPool(Group);
        var pipe = new Pipe(new PipeOptions(pool, pauseWriterThreshold: 0, useSynchronizationContext: false));
        await pipe.Writer.WriteAsync(new byte[12 << 10], stop);
        Assert.Throws<MemoryLimitExceededException>(() => pipe.Writer.GetSpan(100_000).Length);
        await pipe.Writer.CompleteAsync();
        var received = new MemoryStream();
        await pipe.Reader.CopyToAsync(received, stop);
        await pipe.Reader.CompleteAsync();
        Assert.Equal(12 << 10, received.Length);
        Assert.Equal(0, Used);
    }

    /// <summary>Disposes its buffer in its finalizer, in whichever order the collector likes.</summary>
    private sealed class Disposer(IMemoryOwner<byte> buffer)
    {
        ~Disposer() => buffer.Dispose();

        [MethodImpl(MethodImplOptions.NoInlining)]
        public static void Forget(MemoryGroup group) => _ = new Disposer(new GroupMemoryPool(group).Rent(100));
    }

    /// <summary>Collects until a leak was found: the finalizer frees only at the second look.</summary>
    internal static void CollectLeaks(Func<bool> isFound)
    {
        for (int i = 0; i < 10 && !isFound(); i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    internal static void Leak(MemoryGroup group, int bytes) => _ = new GroupMemoryPool(group).Rent(bytes);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void LeakPin(MemoryGroup group)
    {
        IMemoryOwner<byte> buffer = new GroupMemoryPool(group).Rent(100);
        _ = buffer.Memory.Pin();
        buffer.Dispose();
    }
}
