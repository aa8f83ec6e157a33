namespace Allot.Tests.Scopes;

/// <summary>What takes memory in other ways than by <c>Charge</c> goes by the scopes around it as well, although it takes
/// no flags.</summary>
[Collection(ChecksSwitch.Name)]
public sealed unsafe class AllocatorScopesTests
{
    private const int MaxBytes = 1 << 20;

    private readonly MemoryGroup _group = new MemoryController().Root.CreateChild("g", new() { MaxBytes = MaxBytes });
    private readonly ObjectCache<Object4096> _objects = new("objects of " + nameof(AllocatorScopesTests));

    public static TheoryData<string> Allocators =>
        ["block", "large block", "block of an allocator", "object", "object by handle"];

    [Theory, MemberData(nameof(Allocators))]
    public void B08_in_NoReclaim_they_pass_the_limit_and_ask_nobody(string allocator)
    {
        NeedyReclaimer cache = Full();
        using (AllocationScope.NoReclaim()) Free(allocator, Allocate(allocator));
        Assert.Equal(0, cache.Calls);
        Free(allocator, Allocate(allocator));
        Assert.NotEqual(0, cache.Calls);
    }

    [Theory, MemberData(nameof(Allocators))]
    public void B25_in_atomic_they_are_refused_at_once(string allocator)
    {
        NeedyReclaimer cache = Full();
        using (AllocationScope.Atomic())
        {
            Assert.Throws<MemoryLimitExceededException>(void () => Allocate(allocator));
        }

        Assert.Equal((0, MaxBytes), (cache.Calls, _group.Memory.CurrentBytes));
    }

    [Theory, MemberData(nameof(Allocators))]
    public void B30_in_NoFs_reclaimers_that_need_the_file_system_are_not_asked(string allocator)
    {
        NeedyReclaimer cache = Full();
        using (AllocationScope.NoFs())
        {
            Assert.Throws<MemoryLimitExceededException>(void () => Allocate(allocator));
        }

        Assert.Equal((0, MaxBytes), (cache.Calls, _group.Memory.CurrentBytes));
    }

    [Theory, MemberData(nameof(Allocators))]
    public void B33_where_allocations_are_denied_so_are_they(string allocator)
    {
        using var checks = new ChecksOn();
        Free(allocator, Allocate(allocator));   // what the thread holds in advance changes nothing
        using (AllocationScope.DenyAllocations())
        {
            Assert.Throws<AllocationDeniedException>(void () => Allocate(allocator));
            Assert.Throws<AllocationDeniedException>(void () => TryAllocate(allocator, out _));
        }

        Free(allocator, Allocate(allocator));
        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    [Theory, MemberData(nameof(Allocators))]
    public void B34_where_accounting_is_blocked_nobody_pays(string allocator)
    {
        nint free, alsoFree;
        using (AllocationScope.BlockAccounting())
        {
            free = Allocate(allocator);
            alsoFree = TryAllocate(allocator, out _);
            Assert.Equal(0, _group.Memory.CurrentBytes);
        }

        Free(allocator, free);
        Free(allocator, alsoFree);
        Assert.Equal((0, 0), (_group.Memory.CurrentBytes, _group.ReadEvents().AccountingErrors));
    }

    [Theory, MemberData(nameof(Allocators))]
    public void B35_in_NoThrowOnLimit_they_pass_the_limit_and_who_only_tries_does_not(string allocator)
    {
        _group.Charge(MemoryKind.User, MaxBytes);
        nint block;
        using (AllocationScope.NoThrowOnLimit())
        {
            Assert.Equal(0, TryAllocate(allocator, out ChargeRefusal refusal));
            Assert.Same(_group, refusal.Limiter);
            block = Allocate(allocator);
        }

        Assert.True(_group.Memory.CurrentBytes > MaxBytes);
        Assert.Equal(1, _group.ReadEvents().MemoryForced);
        Free(allocator, block);
        Assert.Equal(MaxBytes, _group.Memory.CurrentBytes);
    }

    private NeedyReclaimer Full() => new(_group, MaxBytes, ReclaimNeeds.FileSystem);

    private nint Allocate(string allocator) => allocator switch
    {
        "block" => (nint)GroupMemory.Allocate(_group, 4096),
        "large block" => (nint)GroupMemory.Allocate(_group, 500_000),
        "block of an allocator" => (nint)_group.Allocator().Allocate(4096),
        "object" => (nint)_objects.Allocate(_group),
        _ => (nint)_objects.Allocate(_group.Handle()),
    };

    private nint TryAllocate(string allocator, out ChargeRefusal refusal) => allocator switch
    {
        "block" => (nint)GroupMemory.TryAllocate(_group, 4096, out refusal),
        "large block" => (nint)GroupMemory.TryAllocate(_group, 500_000, out refusal),
        "block of an allocator" => (nint)_group.Allocator().TryAllocate(4096, out refusal),
        _ => (nint)_objects.TryAllocate(_group, out refusal),
    };

    private void Free(string allocator, nint block)
    {
        if (allocator.Contains("block", StringComparison.Ordinal)) GroupMemory.Free((byte*)block);
        else _objects.Free((Object4096*)block);
    }

    private struct Object4096
    {
        private fixed byte _bytes[4096];
    }
}
