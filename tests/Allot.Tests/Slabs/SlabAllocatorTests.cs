using Allot.Testing;

namespace Allot.Tests.Slabs;

/// <summary>Blocks: charged to their group, and found again from their address.</summary>
public sealed unsafe class SlabAllocatorTests : IDisposable
{
    private readonly SlabFixture _slabs = new();

    public static TheoryData<int> Sizes =>
        [0, 1, 8, 16, 17, 64, 100, 1000, 1024, 1025, 4096, 8192, 8193, 65536, 100_000, 262_144, 262_145, 5_000_000];

    public void Dispose() => _slabs.Dispose();

    [Theory, MemberData(nameof(Sizes))]
    public void A_block_is_charged_and_can_be_written_to_its_end(int bytes)
    {
        nint block = _slabs.Allocate(_slabs.A, bytes);
        long usable = _slabs.Slabs.BytesOf((byte*)block);
        Assert.True(usable >= bytes);
        Assert.Equal(0, block % (usable < 16 ? 8 : 16));
        new Span<byte>((void*)block, (int)usable).Fill(0xAB);
        Assert.Equal(usable, _slabs.A.Memory.CurrentBytes);
        Assert.Equal(usable, _slabs.Root.Memory.CurrentBytes);
        Assert.Equal(0, _slabs.B.Memory.CurrentBytes);
        _slabs.Free(block);
        _slabs.AssertNothingLeft();
    }

    [Theory]
    [InlineData(8), InlineData(16), InlineData(64)]
    public void The_owners_of_blocks_that_were_freed_take_no_memory(int bytes)
    {
        nint[] blocks = new nint[(16 << 20) / bytes];
        for (int i = 0; i < blocks.Length; i++) blocks[i] = _slabs.Allocate(i % 2 == 0 ? _slabs.A : _slabs.B, bytes);
        long peak = _slabs.Slabs.Arena.UsedBytes;
        foreach (nint block in blocks) _slabs.Free(block);
        _slabs.AssertNothingLeft();
        Assert.InRange(_slabs.Slabs.Arena.UsedBytes, 0, peak / 20);
    }

    [Fact]
    public void Blocks_of_8_bytes_lie_side_by_side_and_come_back()
    {
        const int Blocks = 20_000;
        var random = new Prng(8);
        HashSet<nint> all = [];
        List<nint> live = [];
        for (int round = 0; round < 3; round++)
        {
            while (live.Count < Blocks) live.Add(_slabs.Allocate(live.Count % 7 == 0 ? _slabs.B : _slabs.A, 8));
            all.UnionWith(live);
            Assert.Equal(Blocks, live.Distinct().Count());
            Assert.Equal(Blocks * 8, _slabs.Root.Memory.CurrentBytes);
            for (int left = Blocks / 2; live.Count > left;)
            {
                int index = random.Below(live.Count);
                _slabs.Free(live[index]);
                live[index] = live[^1];
                live.RemoveAt(live.Count - 1);
            }

            Assert.Equal(live.Count, _slabs.Slabs.Validate());
            _slabs.Slabs.Trim(all: true);
        }

        Assert.Contains(all, one => all.Contains(one + 8));
        nint last = live[^1];
        foreach (nint block in live) _slabs.Free(block);
        Assert.Throws<CorruptionException>(() => _slabs.Free(last));
        _slabs.AssertNothingLeft();
    }

    [Fact]
    public void Blocks_come_from_the_fullest_slab()
    {
        const int Bytes = 1024, InSpan = PageArena.UnitBytes / Bytes;
        nint[][] spans = [.. Enumerable.Range(0, 4 * InSpan).Select(_ => _slabs.Allocate(_slabs.A, Bytes))
            .GroupBy(static block => block >> PageArena.UnitShift).Select(static one => one.ToArray())];
        Assert.All(spans, static one => Assert.Equal(InSpan, one.Length));
        int[] freed = [40, 3, 60, 20];
        for (int i = 0; i < spans.Length; i++)
        {
            foreach (nint block in spans[i].Take(freed[i])) _slabs.Free(block);
        }

        _slabs.Slabs.Trim(all: true);
        nint[] again = [.. Enumerable.Range(0, 23).Select(_ => _slabs.Allocate(_slabs.A, Bytes))];
        Assert.Equal(spans[1].Concat(spans[3]).Intersect(again).Count(), again.Length);
        foreach (nint block in again.Concat(spans.SelectMany((one, i) => one.Skip(freed[i])))) _slabs.Free(block);
        _slabs.AssertNothingLeft();
    }

    [Fact]
    public void A_thread_goes_to_and_fro_between_its_two_magazines()
    {
        List<nint> live = [];
        foreach (int goal in (int[])[600, 0, 300, 100, 500, 240, 510, 0])
        {
            while (live.Count < goal) live.Add(_slabs.Allocate(_slabs.A, 64));
            for (; live.Count > goal; live.RemoveAt(0)) _slabs.Free(live[0]);
            Assert.Equal(goal * 64, _slabs.A.Memory.CurrentBytes);
            Assert.Equal(goal, _slabs.Slabs.Validate());
        }

        _slabs.AssertNothingLeft();
    }

    [Fact]
    public void Kernel_memory_is_charged_as_kernel_memory()
    {
        nint block = _slabs.Allocate(_slabs.A, 64, MemoryKind.Kernel);
        Assert.Equal(64, _slabs.A.Kernel.CurrentBytes);
        Assert.Equal(64, _slabs.A.Memory.CurrentBytes);
        _slabs.Free(block);
        Assert.Equal(0, _slabs.A.Kernel.CurrentBytes);
        _slabs.AssertNothingLeft();
    }

    [Fact]
    public void Kernel_memory_that_is_not_counted_is_charged_to_nobody()
    {
        var tree = new MemoryController(new MemoryGroupOptions(), new() { KernelAccounting = KernelAccountingMode.OnFirstLimit });
        MemoryGroup group = tree.Root.CreateChild("g");
        nint uncounted = _slabs.Allocate(group, 64, MemoryKind.Kernel);
        Assert.Equal(0, tree.Root.Memory.CurrentBytes);
        group.Kernel.MaxBytes = 1 << 20;
        nint counted = _slabs.Allocate(group, 64, MemoryKind.Kernel);
        Assert.Equal(64, group.Kernel.CurrentBytes);
        _slabs.Free(uncounted);
        Assert.Equal(64, group.Kernel.CurrentBytes);
        _slabs.Free(counted);
        Assert.Equal(0, tree.Root.Memory.CurrentBytes);
        Assert.Equal(0, group.ReadEvents().AccountingErrors);
    }

    [Fact]
    public void Blocks_of_two_groups_in_one_unit_return_to_their_own()
    {
        List<nint> a = [], b = [];
        for (int i = 0; i < 500; i++)
        {
            a.Add(_slabs.Allocate(_slabs.A, 64));
            if (i % 2 == 0) b.Add(_slabs.Allocate(_slabs.B, 64));
        }

        Assert.Equal(500 * 64, _slabs.A.Memory.CurrentBytes);
        Assert.Equal(250 * 64, _slabs.B.Memory.CurrentBytes);
        foreach (nint block in a) _slabs.Free(block);
        Assert.Equal(0, _slabs.A.Memory.CurrentBytes);
        Assert.Equal(250 * 64, _slabs.B.Memory.CurrentBytes);
        foreach (nint block in b) _slabs.Free(block);
        _slabs.AssertNothingLeft();
    }

    [Fact]
    public void A_limit_refuses_with_the_refusal_of_the_group_and_leaves_nothing()
    {
        _slabs.A.Memory.MaxBytes = 1000;
        nint first = _slabs.Allocate(_slabs.A, 600);
        GroupAllocator a = _slabs.For(_slabs.A);
        Assert.True(a.TryAllocate(600, out ChargeRefusal refusal) == null);
        Assert.Equal(_slabs.A, refusal.Limiter);
        Assert.Equal(640, refusal.RequestedBytes);
        Assert.Throws<MemoryLimitExceededException>(() => _slabs.Allocate(_slabs.A, 600));
        Assert.Throws<MemoryLimitExceededException>(() => _slabs.Allocate(_slabs.A, 6_000_000));
        Assert.Equal(640, _slabs.A.Memory.CurrentBytes);
        _slabs.Free(first);
        _slabs.AssertNothingLeft();
    }

    [Fact]
    public void A_removed_group_gets_nothing_and_its_blocks_return_to_its_parent()
    {
        nint small = _slabs.Allocate(_slabs.A, 64), large = _slabs.Allocate(_slabs.A, 1 << 20);
        for (int i = 0; i < 100; i++) _slabs.Free(_slabs.Allocate(_slabs.A, 64));
        _slabs.A.Remove();
        Assert.Equal(64 + (1 << 20), _slabs.Root.Memory.CurrentBytes);
        Assert.Throws<MemoryLimitExceededException>(() => _slabs.Allocate(_slabs.A, 64));
        Assert.True(_slabs.For(_slabs.A).TryAllocate(64, out _) == null);
        _slabs.Slabs.Trim(all: true);
        _slabs.Free(small);
        _slabs.Free(large);
        _slabs.AssertNothingLeft();
    }

    [Fact]
    public void A_removed_group_is_forgotten_once_its_last_block_is_free()
    {
        (WeakReference first, nint block) = AllocateAndRemove("first");
        (WeakReference second, nint other) = AllocateAndRemove("second");
        _slabs.Free(other);
        _slabs.Slabs.Trim(all: true);
        Collect();
        Assert.True(first.IsAlive);
        Assert.False(second.IsAlive);
        _slabs.Free(block);
        _slabs.Slabs.Trim(all: true);
        Collect();
        Assert.False(first.IsAlive);
        Assert.Equal(1, _slabs.Slabs.Owners.Count);   // a, for which the blocks were freed
        _slabs.AssertNothingLeft();

        (WeakReference, nint) AllocateAndRemove(string name)
        {
            MemoryGroup group = _slabs.Root.CreateChild(name);
            nint block = _slabs.Allocate(group, 64);
            group.Remove();
            return (new WeakReference(group), block);
        }

        static void Collect()
        {
            for (int i = 0; i < 3; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        }
    }

    [Fact]
    public void Ids_of_forgotten_groups_are_used_again()
    {
        for (int i = 0; i < 1000; i++)
        {
            MemoryGroup group = _slabs.Root.CreateChild("g");
            nint block = _slabs.Allocate(group, 48);
            _slabs.Free(block);
            group.Remove();
            if (i % 10 == 0) _slabs.Slabs.ForgetRemovedGroups(all: true);
        }

        Assert.True(_slabs.Slabs.Owners.Count < 12);
        _slabs.AssertNothingLeft();
    }

    [Fact]
    public void A_second_free_is_caught()
    {
        nint block = _slabs.Allocate(_slabs.A, 64), large = _slabs.Allocate(_slabs.A, 1 << 20);
        _slabs.Free(block);
        _slabs.Free(large);
        Assert.Contains("second time", Assert.Throws<CorruptionException>(() => _slabs.Free(block)).Message);
        Assert.Throws<CorruptionException>(() => _slabs.Free(large));
        _slabs.AssertNothingLeft();
    }

    [Fact]
    public void A_second_free_names_the_group_that_the_block_was_charged_to()
    {
        nint block = _slabs.Allocate(_slabs.B, 64);
        _slabs.Free(block);
        Assert.Contains("'/b'", Assert.Throws<CorruptionException>(() => _slabs.Free(block)).Message);
    }

    [Fact]
    public void A_pointer_that_was_not_allocated_is_caught()
    {
        nint block = _slabs.Allocate(_slabs.A, 48), large = _slabs.Allocate(_slabs.A, 1 << 20);
        long onStack = 0;
        nint last = block + (1000 * 48);
        foreach (nint foreign in new[] { block + 8, block + 16, last, large + 16, large + 65536, (nint)(&onStack), 4096 })
        {
            Assert.Throws<CorruptionException>(() => _slabs.Free(foreign));
        }

        _slabs.Free(block);
        _slabs.Free(large);
        _slabs.AssertNothingLeft();
    }

    [Fact]
    public void A_write_to_the_first_word_after_the_free_is_caught_when_the_block_leaves_the_thread()
    {
        nint block = _slabs.Allocate(_slabs.A, 64);
        _slabs.Free(block);
        *(long*)block = 5;
        Assert.Contains("after it was freed",
            Assert.Throws<CorruptionException>(() => _slabs.Slabs.Trim(all: true)).Message);
    }

    [Fact]
    public void Inside_of_blocked_accounting_nobody_pays_and_what_was_charged_before_is_given_back()
    {
        List<nint> charged = [], free = [];
        for (int i = 0; i < 50; i++) charged.Add(_slabs.Allocate(_slabs.A, 64));
        charged.Add(_slabs.Allocate(_slabs.A, 1 << 20));
        using (AllocationScope.BlockAccounting())
        {
            using (AllocationScope.BlockAccounting())
            {
                for (int i = 0; i < 50; i++) free.Add(_slabs.Allocate(_slabs.A, 64));
            }

            free.Add(_slabs.Allocate(_slabs.A, 1 << 20));
            Assert.Equal((50 * 64) + (1 << 20), _slabs.A.Memory.CurrentBytes);
            foreach (nint block in charged) _slabs.Free(block);
            Assert.Equal(0, _slabs.A.Memory.CurrentBytes);
        }

        nint after = _slabs.Allocate(_slabs.A, 64);
        foreach (nint block in free) _slabs.Free(block);
        Assert.Equal(64, _slabs.A.Memory.CurrentBytes);
        _slabs.Free(after);
        Assert.Equal(0, _slabs.A.ReadEvents().AccountingErrors);
        _slabs.AssertNothingLeft();
    }

    [Fact]
    public void An_allocator_from_outside_of_blocked_accounting_records_who_really_paid()
    {
        List<nint> blocks = [];
        GroupAllocator outside = _slabs.For(_slabs.A);
        using (AllocationScope.BlockAccounting())
        {
            for (int i = 0; i < 300; i++) blocks.Add((nint)outside.Allocate(64));
            for (int i = 0; i < 100; i++) outside.Free((byte*)blocks[i]);
        }

        for (int i = 100; i < 300; i++) outside.Free((byte*)blocks[i]);
        Assert.Equal(0, _slabs.A.ReadEvents().AccountingErrors);
        _slabs.AssertNothingLeft();
    }

    [Fact]
    public void Null_is_nothing_to_free() => _slabs.Free(0);

    [Fact]
    public void A_reclaimer_that_frees_blocks_makes_room_and_is_credited()
    {
        _slabs.A.Memory.MaxBytes = 64 * 1000;
        var cache = new BlockCache(_slabs);
        using IDisposable registration = _slabs.A.Register(cache);
        for (int i = 0; i < 1000; i++) cache.Blocks.Push(_slabs.Allocate(_slabs.A, 64));
        for (int i = 0; i < 500; i++) cache.Blocks.Push(_slabs.Allocate(_slabs.A, 64));
        Assert.True(_slabs.A.Memory.CurrentBytes <= 64 * 1000);
        Assert.True(_slabs.A.Reclaim(6400) >= 6400);
        Assert.Equal(0, _slabs.A.ReadEvents().ReclaimErrors);
        while (cache.Blocks.TryPop(out nint block)) _slabs.Free(block);
        _slabs.AssertNothingLeft();
    }

    [Fact]
    public void Allocating_and_freeing_allocate_nothing_on_the_managed_heap()
    {
        SlabFixture slabs = _slabs;
        Pairs();
        Pairs();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Pairs();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Pairs()
        {
            nint* blocks = stackalloc nint[200];
            for (int round = 0; round < 20; round++)
            {
                for (int i = 0; i < 200; i++) blocks[i] = slabs.Allocate(i % 2 == 0 ? slabs.A : slabs.B, 16 + i);
                for (int i = 0; i < 200; i++) slabs.Free(blocks[i]);
            }
        }
    }

    [Fact]
    public void A_steady_state_asks_the_system_for_nothing()
    {
        Churn(1);
        int requests = _slabs.Pages.Requests;
        Churn(2);
        Assert.Equal(requests, _slabs.Pages.Requests);
        _slabs.AssertNothingLeft();

        void Churn(ulong seed)
        {
            var random = new Prng(seed);
            List<nint> live = [];
            for (int i = 0; i < 20_000; i++)
            {
                if (live.Count < 1000)
                {
                    live.Add(_slabs.Allocate(_slabs.A, 64));
                    continue;
                }

                int index = random.Below(live.Count);
                _slabs.Free(live[index]);
                live[index] = _slabs.Allocate(_slabs.A, 64);
            }

            foreach (nint block in live) _slabs.Free(block);
        }
    }

    [Theory]
    [InlineData(100)]
    [InlineData(60_000)]
    [InlineData(1_000_000)]
    public unsafe void What_is_asked_for_with_zero_is_zero_although_the_block_was_used(int bytes)
    {
        nint used = _slabs.Allocate(_slabs.A, bytes);
        new Span<byte>((void*)used, bytes).Fill(0xA5);
        _slabs.Free(used);
        byte* block = _slabs.For(_slabs.A).Allocate((nuint)bytes, AllocationFlags.Kernel | AllocationFlags.Zero);
        Assert.Equal(-1, new Span<byte>(block, bytes).IndexOfAnyExcept((byte)0));
        _slabs.Free((nint)block);
        _slabs.AssertNothingLeft();
    }

    [Fact]
    public unsafe void A_block_goes_by_its_flags_and_by_the_scopes_around_it()
    {
        MemoryGroup full = new MemoryController().Root.CreateChild("full", new() { MaxBytes = 1 << 20 });
        full.Charge(MemoryKind.User, 1 << 20);
        Assert.Throws<MemoryLimitExceededException>(() => GroupMemory.Allocate(full, 4096, AllocationFlags.NoWait));
        byte* urgent = GroupMemory.Allocate(full, 4096, AllocationFlags.Atomic);
        long usable = GroupMemory.BytesOf(urgent);
        Assert.InRange(full.Memory.CurrentBytes, (1 << 20) + usable, (1 << 20) + (2 * usable));   // more with block checks
        GroupMemory.Free(urgent);
        using (AllocationScope.NoReclaim())
        {
            byte* reserved = GroupMemory.Allocate(full, 4096, AllocationFlags.Kernel);
            GroupMemory.Free(reserved);
            Assert.Throws<MemoryLimitExceededException>(
                () => GroupMemory.Allocate(full, 4096, AllocationFlags.Kernel | AllocationFlags.NoReserve));
        }

        Assert.Throws<ArgumentException>(
            () => GroupMemory.Allocate(full, 1, AllocationFlags.NoWait | AllocationFlags.MustSucceed));
        using ThreadScope atomic = AllocationScope.Atomic();
        Assert.Throws<MustSucceedInAtomicException>(
            () => GroupMemory.Allocate(full, 1, AllocationFlags.Kernel | AllocationFlags.MustSucceed));
        Assert.Equal(1 << 20, full.Memory.CurrentBytes);
    }

    // Row B20: the timer of the process would otherwise keep the flow of whoever has allocated first.
    [Fact]
    public void Its_timer_keeps_nothing_of_the_flow_that_it_was_made_in()
    {
        var time = new TimeThatLooks();
        using (FlowingScope.NoIo()) _slabs.Slabs.StartTrimming(time);
        Assert.True(time.WasSuppressed);
        Assert.False(ExecutionContext.IsFlowSuppressed());
    }

    private sealed class TimeThatLooks : TimeProvider
    {
        public bool WasSuppressed { get; private set; }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            WasSuppressed = ExecutionContext.IsFlowSuppressed();
            return base.CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }


    [Fact]
    public void What_an_idle_thread_keeps_is_given_back_without_its_help()
    {
        using var idle = new TurnThread();
        idle.Run(() => Pairs(500));
        Assert.True(_slabs.BlocksCarved() > 0);
        for (int tick = 0; tick < 4; tick++) _slabs.Slabs.Trim(all: false);
        Assert.Equal(0, _slabs.BlocksCarved());
        Assert.Equal(0, _slabs.Slabs.Arena.IdleBytes);
        Assert.Equal(0, _slabs.Root.Memory.ReservedBytes);
        idle.Run(() => Pairs(500));   // and goes on as if nothing had happened
        Assert.Equal(0, _slabs.Root.Memory.CurrentBytes);
    }

    [Fact]
    public void What_nobody_pays_for_is_taken_from_an_idle_thread_too()
    {
        using var idle = new TurnThread();
        idle.Run(UncountedPairs);
        _slabs.Slabs.Trim(all: true);
        Assert.Equal(0, _slabs.BlocksCarved());
        idle.Run(UncountedPairs);

        void UncountedPairs()
        {
            Pairs(10);
            using ThreadScope uncounted = AllocationScope.BlockAccounting();
            Pairs(200);
        }
    }

    private void Pairs(int count)
    {
        nint* blocks = stackalloc nint[count];
        for (int i = 0; i < count; i++) blocks[i] = _slabs.Allocate(i % 2 == 0 ? _slabs.A : _slabs.B, 64);
        for (int i = 0; i < count; i++) _slabs.Free(blocks[i]);
    }

    private sealed class BlockCache(SlabFixture slabs) : IReclaimer
    {
        public Stack<nint> Blocks { get; } = new();

        public ReclaimNeeds Needs => ReclaimNeeds.None;

        public long CountBytes(MemoryGroup group) => Blocks.Count * 64;

        public long Reclaim(MemoryGroup group, long targetBytes)
        {
            long freed = 0;
            while (freed < targetBytes && Blocks.TryPop(out nint block))
            {
                slabs.Free(block);
                freed += 64;
            }

            return freed;
        }
    }
}
