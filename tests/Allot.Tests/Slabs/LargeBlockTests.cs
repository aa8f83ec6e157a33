using System.Collections.Concurrent;

namespace Allot.Tests.Slabs;

/// <summary>Blocks with units of their own, and the numbers of their owners.</summary>
public sealed unsafe class LargeBlockTests : IDisposable
{
    // What the first page for keys has room for: all but 0 and Nobody.
    private const int OwnersInFirstStep = (PageArena.UnitBytes / sizeof(long)) - 2, Bytes = 300_000;

    private readonly SlabFixture _slabs = new();

    public void Dispose() => _slabs.Dispose();

    [Fact]
    public void A_block_that_no_machine_has_is_refused_by_a_limit_that_is_met_and_by_the_machine_without_one()
    {
        MemoryGroup limited = _slabs.Root.CreateChild("limited", new MemoryGroupOptions { MaxBytes = 1 << 20 });
        MemoryGroup child = limited.CreateChild("child");
        foreach (nuint bytes in (nuint[])[1 << 21, (nuint)1 << 50, nuint.MaxValue])
        {
            Assert.True(_slabs.For(child).TryAllocate(bytes, out ChargeRefusal refusal) == null);
            Assert.Same(limited, refusal.Limiter);
            Assert.Throws<MemoryLimitExceededException>(() => _ = _slabs.For(child).Allocate(bytes));
        }

        Assert.Throws<InsufficientMemoryException>(() => _ = _slabs.For(_slabs.A).Allocate((nuint)1 << 50));
        Assert.Throws<InsufficientMemoryException>(() => _ = _slabs.For(_slabs.A).TryAllocate(nuint.MaxValue, out _));
        _slabs.AssertNothingLeft();
    }

    [Theory]
    [InlineData(0), InlineData(64), InlineData(1024), InlineData(1025), InlineData(300_000)]
    public void An_allocator_of_no_group_is_an_exception_and_not_the_end_of_the_process(int bytes)
    {
        Assert.Throws<NullReferenceException>(() => _ = default(GroupAllocator).Allocate((nuint)bytes));
        Assert.Throws<NullReferenceException>(() => _ = default(GroupAllocator).TryAllocate((nuint)bytes, out _));
        Assert.Throws<NullReferenceException>(() => default(GroupAllocator).Free((byte*)(nint)bytes + 1));
    }

    // A removed group has one block, and that is freed while its number may be released.
    [Fact]
    public void A_large_block_is_uncharged_from_its_group_while_removed_groups_are_forgotten()
    {
        const int Threads = 4, Rounds = 5000;
        ConcurrentQueue<Exception> failures = new();
        int working = Threads;
        List<Thread> threads = [new(() => Guard(ForgetAgainAndAgain))];
        for (int t = 0; t < Threads; t++)
        {
            int number = t;
            threads.Add(new Thread(() =>
            {
                Guard(() => ComeAndGo(number));
                Interlocked.Decrement(ref working);
            }));
        }

        threads.ForEach(static one => one.Start());
        threads.ForEach(static one => one.Join());
        Assert.Empty(failures);
        Assert.Equal(0, _slabs.Root.ReadEvents().AccountingErrors);
        _slabs.AssertNothingLeft();
        Assert.Equal(0, _slabs.Slabs.Owners.Count);

        void ComeAndGo(int thread)
        {
            for (int round = 0; round < Rounds; round++)
            {
                MemoryGroup group = _slabs.Root.CreateChild($"g{thread}_{round}");
                nint block = _slabs.Allocate(group, Bytes);
                group.Remove();
                _slabs.Slabs.FreeSlow(_slabs.Heap, (byte*)block);
            }
        }

        void ForgetAgainAndAgain()
        {
            while (Volatile.Read(ref working) > 0) _slabs.Slabs.ForgetRemovedGroups(all: true);
        }

        void Guard(Action work)
        {
            try
            {
                work();
            }
            catch (Exception failure)
            {
                failures.Enqueue(failure);
            }
        }
    }

    [Theory]
    [InlineData(64), InlineData(Bytes)]
    public void An_allocator_that_was_made_without_memory_for_one_more_owner_is_of_use_when_there_is_some(int bytes)
    {
        _slabs.Free(_slabs.Allocate(_slabs.B, bytes));
        UseUpOwners();
        MemoryGroup late = _slabs.Root.CreateChild("late");
        _slabs.Pages.FailsAt = _slabs.Pages.Requests + 1;
        GroupAllocator allocator = _slabs.For(late);
        Assert.False(allocator.IsFast);
        byte* block = allocator.Allocate((nuint)bytes);
        Assert.True(_slabs.For(late).IsFast);
        Assert.Equal(_slabs.Slabs.BytesOf(block), late.Memory.CurrentBytes);
        allocator.Free(block);
        _slabs.AssertNothingLeft();
    }

    [Theory]
    [InlineData(64, false)]
    [InlineData(64, true)]
    [InlineData(Bytes, false)]
    [InlineData(Bytes, true)]
    public void Without_memory_for_one_more_owner_a_block_is_refused(int bytes, bool onlyTries)
    {
        _slabs.Free(_slabs.Allocate(_slabs.B, bytes));
        MemoryGroup late = _slabs.Root.CreateChild("late");
        UseUpOwners();
        long used = _slabs.Slabs.Arena.UsedBytes;
        int requests = _slabs.Pages.Requests;
        _slabs.Pages.FailsAt = requests + 1;
        _slabs.Pages.FailsFromThereOn = true;
        Assert.Throws<InsufficientMemoryException>(() => Allocate());
        _slabs.Pages.FailsAt = 0;
        Assert.True(_slabs.Pages.Requests > requests);
        Assert.Equal(0, _slabs.Root.Memory.CurrentBytes);
        Assert.InRange(_slabs.Slabs.Arena.UsedBytes, 0, used);

        nint block = Allocate();
        Assert.Equal(_slabs.Slabs.BytesOf((byte*)block), late.Memory.CurrentBytes);
        _slabs.Free(block);
        _slabs.AssertNothingLeft();

        nint Allocate() => onlyTries
            ? (nint)_slabs.For(late).TryAllocate((nuint)bytes, out _)
            : _slabs.Allocate(late, bytes);
    }

    private void UseUpOwners()
    {
        long key = long.MaxValue;   // of no counter
        while (_slabs.Slabs.Owners.Count < OwnersInFirstStep)
        {
            Assert.NotEqual(0, _slabs.Slabs.Owners.IdOf(_slabs.B, MemoryKind.User, key--));
        }
    }
}
