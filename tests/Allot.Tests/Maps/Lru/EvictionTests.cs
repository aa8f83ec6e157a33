using Allot.Maps;

namespace Allot.Tests.Maps.Lru;

/// <summary>What a full LRU map drops, and what not: as a kernel with two processors was seen to, from one of them.
/// </summary>
public sealed unsafe class EvictionTests
{
    private const int Processors = 2;

    [Theory]
    [InlineData(2, 1)]
    [InlineData(4, 1)]
    [InlineData(8, 2)]
    [InlineData(16, 4)]
    [InlineData(32, 8)]
    [InlineData(64, 16)]
    [InlineData(128, 32)]
    [InlineData(256, 64)]
    [InlineData(512, 128)]
    [InlineData(1024, 128)]
    [InlineData(4096, 128)]
    public void One_too_many_drops_a_quarter_and_128_at_most(int capacity, int dropped) => PinnedThread.Run(() =>
    {
        using LruHashMap map = Make(capacity);
        Fill(map, 0, capacity);
        Assert.Equal(capacity, map.Count);
        Fill(map, capacity, 1);
        Assert.Equal(capacity + 1 - dropped, map.Count);
        for (int key = 0; key <= capacity; key++) Assert.Equal(key >= dropped, IsThere(map, key));
    });

    [Theory]
    [InlineData(MapType.LruHash)]
    [InlineData(MapType.LruPerCpuHash)]
    public void A_list_for_each_processor_has_its_share_and_drops_4(MapType type) => PinnedThread.Run(() =>
    {
        using LruHashMap map = Make(256, type, MapFlags.NoCommonLru);
        Fill(map, 0, 128);
        Assert.Equal(128, map.Count);
        Assert.True(IsThere(map, 0));
        Fill(map, 128, 1);
        Assert.Equal(125, map.Count);
        for (int key = 0; key <= 128; key++) Assert.Equal(key >= 4, IsThere(map, key));
        Fill(map, 129, 127);
        Assert.Equal(128, map.Count);
    });

    [Theory]
    [InlineData(true, 64)]
    [InlineData(false, 0)]
    public void What_a_program_looks_up_survives_and_what_the_host_reads_does_not(bool isProgram, int survivors) =>
        PinnedThread.Run(() =>
        {
            using LruHashMap map = Make(256);
            Fill(map, 0, 256);
            for (int key = 0; key < 64; key++)
            {
                long value;
                if (isProgram) Assert.True(map.Lookup((byte*)&key) != null);
                else Assert.Equal(0, map.Read((byte*)&key, (byte*)&value));
            }

            Fill(map, 256, 64);
            Assert.Equal(survivors, Enumerable.Range(0, 64).Count(key => IsThere(map, key)));
        });

    [Fact]
    public void An_update_of_an_old_element_can_drop_it_first() => PinnedThread.Run(() =>
    {
        using LruHashMap map = Make(256);
        Fill(map, 0, 256);
        long value = 1;
        for (int key = 0; key < 64; key++)
        {
            Assert.Equal(MapErrors.NotFound, map.Write((byte*)&key, (byte*)&value, MapErrors.OnlyExisting));
        }

        Assert.Equal(192, map.Count);
        Assert.Equal(192, Enumerable.Range(0, 256).Count(key => IsThere(map, key)));
    });

    [Fact]
    public void With_values_of_processors_an_update_of_what_is_there_drops_nothing() => PinnedThread.Run(() =>
    {
        using LruHashMap map = Make(256, MapType.LruPerCpuHash);
        Fill(map, 0, 256);
        long* values = stackalloc long[Processors];
        for (int key = 0; key < 64; key++)
        {
            Assert.Equal(0, map.Write((byte*)&key, (byte*)values, MapErrors.OnlyExisting));
        }

        Assert.Equal(256, map.Count);
    });

    [Fact]
    public void What_was_updated_is_not_dropped_next() => PinnedThread.Run(() =>
    {
        using LruHashMap map = Make(256);
        Fill(map, 0, 200);
        Fill(map, 0, 20);
        Fill(map, 200, 120);
        Assert.All(Enumerable.Range(0, 20), key => Assert.True(IsThere(map, key)));
    });

    [Fact]
    public void A_map_all_of_whose_elements_are_used_still_takes_one_more() => PinnedThread.Run(() =>
    {
        using LruHashMap map = Make(64);
        for (int key = 0; key < 2000; key++)
        {
            Fill(map, key, 1);
            for (int old = 0; old <= key; old++) _ = map.Lookup((byte*)&old);
            Assert.True(IsThere(map, key));
        }

        Assert.InRange(map.Count, 1, 64);
    });

    [Fact]
    public void Every_processor_alone_can_use_nearly_all_nodes_of_a_common_list()
    {
        // What one has made free, and what it has handed out last, others take when there is nothing else.
        using LruHashMap map = Make(4);
        for (int key = 0; key < 100; key++) Fill(map, key, 1);
        Assert.InRange(map.Count, 1, 4);
        for (int key = 0; key < 100; key++) _ = map.Delete((byte*)&key);
        Assert.Equal(0, map.Count);
    }

    internal static LruHashMap Make(int capacity, MapType type = MapType.LruHash, uint flags = 0)
    {
        var definition = new MapDefinition
        {
            Name = "lru",
            Type = type,
            KeyBytes = 4,
            ValueBytes = 8,
            Capacity = capacity,
            Flags = flags,
        };
        return new LruHashMap(new TreeOfThree().Leaf, definition, Processors);
    }

    private static void Fill(LruHashMap map, int first, int count)
    {
        long* value = stackalloc long[Processors];
        for (int key = first; key < first + count; key++)
        {
            value[0] = value[1] = key;
            Assert.Equal(0, map.Write((byte*)&key, (byte*)value));
        }
    }

    private static bool IsThere(LruHashMap map, int key)
    {
        long* value = stackalloc long[Processors];
        return map.Read((byte*)&key, (byte*)value) == 0;
    }
}
