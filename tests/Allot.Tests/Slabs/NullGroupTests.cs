namespace Allot.Tests.Slabs;

/// <summary>Who forgets the group is told so, by every call that is not the fastest way to allocate.</summary>
public sealed unsafe class NullGroupTests
{
    public static TheoryData<string> Ways =>
    [
        "allocator", "flags", "try", "handle and flags",
        "object try", "object flags", "object statistics", "free all",
    ];

    [Theory, MemberData(nameof(Ways))]
    public void No_group_is_a_mistake_with_a_name(string way)
    {
        var cache = new ObjectCache<long>("longs", new() { HasPrivateSlabs = true });
        GroupMemory.Free(GroupMemory.Allocate(new MemoryController().Root, 64));   // the thread has all that it needs
        Assert.Equal("group", Assert.Throws<ArgumentNullException>(() => Call(way, cache)).ParamName);
        cache.Remove();
    }

    private static void Call(string way, ObjectCache<long> cache)
    {
        MemoryGroup none = null!;
        switch (way)
        {
            case "allocator": _ = none.Allocator(); break;
            case "flags": _ = GroupMemory.Allocate(none, 64, AllocationFlags.Kernel); break;
            case "try": _ = GroupMemory.TryAllocate(none, 64, out _); break;
            case "handle and flags": _ = GroupMemory.Allocate(default(GroupHandle), 64, AllocationFlags.Kernel); break;
            case "object try": _ = cache.TryAllocate(none, out _); break;
            case "object flags": _ = cache.Allocate(none, AllocationFlags.Kernel); break;
            case "object statistics": _ = cache.ReadStatistics(none); break;
            default: _ = cache.FreeAll(none); break;
        }
    }
}
