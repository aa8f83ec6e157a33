using Allot.Maps;

namespace Allot.Tests.Issues;

/// <summary>A map of maps by keys, or of devices or sockets, gives up at its end what it refers to. It has put a key on
/// the stack for that, which can be larger than the stack and then ends the process; and it has looked for the first key
/// from the beginning after each one: minutes, with a million.</summary>
public sealed unsafe class KeyedMapEndTests
{
    private static readonly MapDefinition s_inner = new() { Type = MapType.Array, KeyBytes = 4, ValueBytes = 8, Capacity = 1 };

    [Fact]
    public void A_map_whose_keys_are_larger_than_the_stack_of_its_thread_ends()
    {
        const int KeyBytes = 1 << 20, StackBytes = 256 << 10;
        MemoryGroup group = new MemoryController().Root;
        using GroupMap inner = GroupMap.Create(group, s_inner);
        var thread = new Thread(
            () =>
            {
                var map = (HashOfMaps)GroupMap.Create(group, Of(KeyBytes, capacity: 2));
                Assert.Equal(0, map.Put(new byte[KeyBytes], inner));
                map.Dispose();
            },
            StackBytes);
        thread.Start();
        thread.Join();
        Assert.Equal(inner.ChargedBytes, group.Kernel.CurrentBytes);
    }

    [Fact]
    public void A_map_of_many_ends_by_looking_at_each_once()
    {
        const int Count = 200_000;
        MemoryGroup group = new MemoryController().Root;
        GroupMap inner = GroupMap.Create(group, s_inner);
        var map = (HashOfMaps)GroupMap.Create(group, Of(sizeof(int), Count));
        for (int key = 0; key < Count; key++) Assert.Equal(0, map.Put(BitConverter.GetBytes(key), inner));
        inner.Dispose();
        map.Dispose();
        Assert.Equal(0, map.Count);
        Assert.Equal(0, group.Kernel.CurrentBytes);
    }

    private static MapDefinition Of(int keyBytes, long capacity) => new()
    {
        Type = MapType.HashOfMaps,
        KeyBytes = keyBytes,
        ValueBytes = 4,
        Capacity = capacity,
        InnerMap = s_inner,
    };
}
