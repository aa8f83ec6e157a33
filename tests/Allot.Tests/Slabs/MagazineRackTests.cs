using System.Collections.Concurrent;

namespace Allot.Tests.Slabs;

/// <summary>Full magazines pass from threads that free to threads that allocate.</summary>
public sealed unsafe class MagazineRackTests : IDisposable
{
    private const int Bytes = 64;

    private readonly SlabFixture _slabs = new();

    public void Dispose() => _slabs.Dispose();

    [Fact]
    public void What_lies_in_a_place_is_exchanged_and_idle_only_where_nobody_came()
    {
        var rack = new MagazineRack();
        ulong* first = (ulong*)0x1000, second = (ulong*)0x2000, empty = (ulong*)0x3000;
        Assert.True(rack.TryTake(empty) == null && rack.TryBring(first) == null);   // nothing lies here
        Assert.True(rack.HasRoom_NeedsLock(1) && !rack.HasRoom_NeedsLock(0));
        rack.Put_NeedsLock(first, 1);
        Assert.False(rack.HasRoom_NeedsLock(1));
        Assert.Equal(1, rack.CountFull());
        Assert.Equal(0, rack.RemoveIdle_NeedsLock(0));
        Assert.True(rack.TryTake(empty) == first);
        Assert.Equal(0, rack.CountFull());
        Assert.True(rack.TryTake(first) == null);
        Assert.Equal(0, rack.RemoveIdle_NeedsLock(0));   // somebody came since
        Assert.True(rack.TryBring(second) == empty);
        Assert.Equal(0, rack.RemoveIdle_NeedsLock(0));
        nint word = rack.RemoveIdle_NeedsLock(0);
        Assert.True(MagazineRack.IsFull(word) && MagazineRack.MagazineOf(word) == second);
        Assert.True(rack.IsEmpty);
        rack.Put_NeedsLock(first, 1);
        Assert.True(rack.TryTake(null) == first);
        Assert.True(rack.IsEmpty && rack.TryBring(second) == null);
        rack.Put_NeedsLock(second, 1);
        word = rack.Read(0);
        Assert.True(rack.TryTake(empty) == second);
        Assert.False(rack.TryRemove_NeedsLock(0, word));
        Assert.Equal((nint)empty, rack.Remove_NeedsLock(0));
    }

    [Fact]
    public void In_a_steady_state_nobody_needs_the_lock_of_the_class()
    {
        using var producer = new TurnThread();
        using var consumer = new TurnThread();
        SlabClass of = _slabs.Slabs.ClassOf((uint)SizeClasses.IndexOf(Bytes));
        nint[] blocks = new nint[of.Batch];
        for (int i = 0; i < 8; i++) Pass();
        long carved = of.ReadCounts().Carved;

        // Who enters the lock from here on waits until it is left.
        var passing = new Thread(() =>
        {
            for (int i = 0; i < 40; i++) Pass();
        });
        bool isPassed;
        using (of.OwnersLock.EnterScope())
        {
            passing.Start();
            isPassed = passing.Join(TimeSpan.FromSeconds(60));
        }

        passing.Join();
        Assert.True(isPassed, "A thread has waited for the lock of the class.");
        Assert.Equal(carved, of.ReadCounts().Carved);
        _slabs.AssertNothingLeft();

        // A batch at a time, so that whole magazines pass.
        void Pass()
        {
            producer.Run(() =>
            {
                for (int i = 0; i < blocks.Length; i++) blocks[i] = _slabs.Allocate(_slabs.A, Bytes);
            });
            consumer.Run(() =>
            {
                foreach (nint block in blocks) _slabs.Free(block);
            });
        }
    }

    [Fact]
    public void A_cache_is_removed_that_has_full_magazines_between_threads()
    {
        using var other = new TurnThread();
        var cache = new ObjectCache<long>(_slabs.Slabs, "passed", new(), null);
        nint[] items = [.. Enumerable.Range(0, 5000).Select(_ => (nint)cache.Allocate(_slabs.A))];
        other.Run(() =>
        {
            foreach (nint item in items) cache.Free((long*)item);
        });
        Assert.Equal(0, cache.ReadStatistics().ActiveObjects);
        cache.Remove();
        _slabs.AssertNothingLeft();
    }

    [Theory]
    [InlineData(0), InlineData(1), InlineData(3), InlineData(4), InlineData(20)]
    public void No_more_batches_are_kept_than_a_cache_is_to_keep(int kept)
    {
        using var other = new TurnThread();
        var cache = new ObjectCache<long>(_slabs.Slabs, "tuned", new(), null);
        FreeElsewhere();
        long* one = cache.Allocate(_slabs.A);
        SlabClass of = _slabs.Slabs.ClassOf(_slabs.Slabs.SpanOf((byte*)one)->BinIndex);
        cache.Free(one);
        cache.Tunables = new ObjectCacheTunables { BatchesKept = kept };
        Assert.Equal(kept, of.Tuning.Batches);
        FreeElsewhere();
        Assert.Equal(0, _slabs.Slabs.Validate());
        cache.Remove();
        _slabs.AssertNothingLeft();

        void FreeElsewhere()
        {
            nint[] items = [.. Enumerable.Range(0, 20_000).Select(_ => (nint)cache.Allocate(_slabs.A))];
            other.Run(() =>
            {
                foreach (nint item in items) cache.Free((long*)item);
            });
        }
    }

    [Fact]
    public void Threads_pass_blocks_while_all_else_goes_on()
    {
        const int Rounds = 60;
        ConcurrentQueue<nint> passed = new();
        using var queued = new SemaphoreSlim(0);
        using var ended = new CountdownEvent(2);
        ConcurrentQueue<Exception> failures = new();
        MemoryGroup[] groups = [_slabs.Root.CreateChild("0"), _slabs.Root.CreateChild("1")];
        int count = 3 * _slabs.Slabs.ClassOf((uint)SizeClasses.IndexOf(Bytes)).Batch;
        Thread[] threads =
        [
            Start(() => Produce(0)), Start(() => Produce(1)), Start(Consume), Start(Consume), Start(Disturb),
        ];
        foreach (Thread thread in threads) thread.Join();
        Assert.Empty(failures);
        while (passed.TryDequeue(out nint block)) _slabs.Free(block);
        _slabs.AssertNothingLeft();
        Assert.Equal(0, _slabs.Root.ReadEvents().AccountingErrors);

        void Produce(int index)
        {
            for (int round = 0; round < Rounds; round++)
            {
                for (int i = 0; i < count; i++)
                {
                    var block = (nint)_slabs.For(Volatile.Read(ref groups[index])).TryAllocate(Bytes, out _);
                    if (block == 0) continue;   // the group was removed since it was found
                    *(nint*)block = block;
                    passed.Enqueue(block);
                    queued.Release();
                }
            }

            ended.Signal();
        }

        void Consume()
        {
            while (!ended.IsSet || !passed.IsEmpty)
            {
                if (!queued.Wait(10) || !passed.TryDequeue(out nint block)) continue;
                if (*(nint*)block != block) throw new InvalidOperationException("Two have had one block.");
                _slabs.Free(block);
            }
        }

        void Disturb()
        {
            for (int i = 0; !ended.IsSet; i++)
            {
                _slabs.Slabs.Trim(all: i % 8 == 0);
                MemoryGroup next = _slabs.Root.CreateChild($"n{i}");
                Interlocked.Exchange(ref groups[i % 2], next).Remove();
                var cache = new ObjectCache<long>(_slabs.Slabs, "for a while", new(), null);
                long*[] items = new long*[200];
                for (int item = 0; item < items.Length; item++) items[item] = cache.Allocate(_slabs.A);
                foreach (long* item in items) cache.Free(item);
                cache.Remove();
            }
        }

        Thread Start(Action work)
        {
            var thread = new Thread(() =>
            {
                try
                {
                    work();
                }
                catch (Exception failure)
                {
                    failures.Enqueue(failure);
                    while (!ended.IsSet) ended.Signal();
                }
            });
            thread.Start();
            return thread;
        }
    }
}
