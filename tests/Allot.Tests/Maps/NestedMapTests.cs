using Allot.Maps;
using Allot.Tests.Maps.Types;

namespace Allot.Tests.Maps;

/// <summary>Maps of maps: the rows of Linux, and how long inner maps live.</summary>
public sealed unsafe class NestedMapTests
{
    private readonly MemoryGroup _outerGroup;
    private readonly MemoryGroup _innerGroup;

    public NestedMapTests()
    {
        MemoryGroup root = new MemoryController().Root;
        (_outerGroup, _innerGroup) = (root.CreateChild("outer"), root.CreateChild("inner"));
    }

    public static TheoryData<MapType> Types => [MapType.ArrayOfMaps, MapType.HashOfMaps];

    [Theory, MemberData(nameof(Types))]
    public void An_inner_map_pays_for_itself_and_stays_as_long_as_it_is_inside(MapType type)
    {
        using (GroupMap outer = Create(type))
        {
            GroupMap inner = Inner();
            long own = inner.ChargedBytes;
            Assert.Equal(0, Put(outer, 1, inner));
            Assert.Equal(outer.ChargedBytes, _outerGroup.Kernel.CurrentBytes);
            Assert.Equal(own, _innerGroup.Kernel.CurrentBytes);
            Assert.Equal(1, type == MapType.HashOfMaps ? outer.Count : 1);
            inner.Dispose();
            Assert.Equal(own, _innerGroup.Kernel.CurrentBytes);
            Assert.True(TryGet(outer, 1, out MapUse use));
            int key = 1;
            Assert.Equal(0, Remove(outer, 1));
            Assert.True(use.Map.Lookup((byte*)&key) != null);
            use.Dispose();
            use.Dispose();
            Assert.Equal(0, _innerGroup.Kernel.CurrentBytes);
            Assert.False(TryGet(outer, 1, out _));
        }

        Assert.Equal(0, _outerGroup.Kernel.CurrentBytes);
    }

    [Theory, MemberData(nameof(Types))]
    public void A_map_that_is_replaced_or_whose_outer_map_ends_is_let_go_of(MapType type)
    {
        GroupMap outer = Create(type);
        GroupMap first = Inner(), second = Inner();
        long own = first.ChargedBytes;
        Assert.Equal(0, Put(outer, 1, first));
        Assert.Equal(0, Put(outer, 1, second));
        first.Dispose();
        second.Dispose();
        Assert.Equal(own, _innerGroup.Kernel.CurrentBytes);
        outer.Dispose();
        Assert.Equal(0, _innerGroup.Kernel.CurrentBytes);
        Assert.Equal(0, _outerGroup.Kernel.CurrentBytes);
    }

    [Theory, MemberData(nameof(Types))]
    public void The_host_writes_and_reads_numbers_of_maps(MapType type)
    {
        using GroupMap outer = Create(type), inner = Inner();
        uint key = 2, value = MapHandles.Of(inner), read = 0;
        Assert.Equal(-2, outer.Read((byte*)&key, (byte*)&read));
        Assert.Equal(0, outer.Write((byte*)&key, (byte*)&value));
        Assert.Equal(0, outer.Read((byte*)&key, (byte*)&read));
        Assert.Equal(value, read);
        uint bad = uint.MaxValue;
        Assert.Equal(-9, outer.Write((byte*)&key, (byte*)&bad));
        bad = MapHandles.Of(this);
        Assert.Equal(-9, outer.Write((byte*)&key, (byte*)&bad));
        Assert.Equal(-22, outer.Write((byte*)&key, (byte*)&value, 3));
        Assert.Equal(-524, outer.LookupAndDelete((byte*)&key, (byte*)&read));
        Assert.Equal(0, Remove(outer, 2));
        Assert.Equal(-2, Remove(outer, 2));
    }

    [Fact]
    public void An_array_of_maps_takes_flag_0_and_indices_in_range()
    {
        using GroupMap outer = Create(MapType.ArrayOfMaps), inner = Inner();
        uint key = 4, value = MapHandles.Of(inner);
        Assert.Equal(-7, outer.Write((byte*)&key, (byte*)&value));
        Assert.Equal(-7, outer.Remove((byte*)&key));
        Assert.Equal(-2, outer.Read((byte*)&key, (byte*)&value));
        key = 1;
        Assert.Equal(-22, outer.Write((byte*)&key, (byte*)&value, 1));
        Assert.Equal(-22, outer.Write((byte*)&key, (byte*)&value, 2));
        Assert.Equal(0, outer.NextKey((byte*)&key, (byte*)&key));
        Assert.Equal(2u, key);
        key = 3;
        Assert.Equal(-2, outer.NextKey((byte*)&key, (byte*)&key));
    }

    [Fact]
    public void A_hash_of_maps_takes_the_flags_of_hashes_and_has_an_end()
    {
        using GroupMap outer = Create(MapType.HashOfMaps), inner = Inner();
        uint value = MapHandles.Of(inner);
        for (uint key = 10; key < 14; key++)
        {
            Assert.Equal(-2, outer.Write((byte*)&key, (byte*)&value, 2));
            Assert.Equal(0, outer.Write((byte*)&key, (byte*)&value, 1));
            Assert.Equal(-17, outer.Write((byte*)&key, (byte*)&value, 1));
        }

        uint more = 99, next;
        Assert.Equal(-7, outer.Write((byte*)&more, (byte*)&value));
        Assert.Equal(4, outer.Count);
        HashSet<uint> seen = [];
        byte* at = null;
        while (outer.NextKey(at, (byte*)&next) == 0)
        {
            Assert.True(seen.Add(next));
            more = next;
            at = (byte*)&more;
        }

        Assert.Equal(4, seen.Count);
    }

    [Fact]
    public void Inner_maps_are_like_the_template()
    {
        using GroupMap outer = Create(MapType.ArrayOfMaps);
        MapDefinition template = MapSamples.Inner;
        Assert.Equal(-22, PutNew(template with { ValueBytes = 4 }));
        Assert.Equal(-22, PutNew(template with { Capacity = 5 }));
        Assert.Equal(-22, PutNew(template with { Flags = MapFlags.InnerMap }));
        Assert.Equal(-22, PutNew(template with { Type = MapType.Hash }));
        Assert.Equal(0, PutNew(template));

        int PutNew(MapDefinition definition)
        {
            using GroupMap inner = GroupMap.Create(_innerGroup, definition);
            return Put(outer, 0, inner);
        }
    }

    [Theory]
    [InlineData(MapType.Array, MapFlags.InnerMap, 0)]
    [InlineData(MapType.Array, 0u, -22)]
    [InlineData(MapType.Hash, 0u, 0)]
    public void Another_length_is_right_for_hashes_and_for_arrays_with_the_flag(MapType type, uint flags, int expected)
    {
        MapDefinition template = MapSamples.Inner with { Type = type, Flags = flags };
        using GroupMap outer = Create(MapType.HashOfMaps, template);
        using GroupMap inner = GroupMap.Create(_innerGroup, template with { Capacity = 77 });
        Assert.Equal(expected, Put(outer, 0, inner));
    }

    [Theory, MemberData(nameof(Types))]
    public void There_are_two_levels_and_there_is_a_template(MapType type)
    {
        MapDefinition inner = MapSamples.Inner;
        MapDefinition nested = inner with { Type = MapType.ArrayOfMaps, ValueBytes = 4, InnerMap = inner };
        Assert.Equal(-22, Assert.Throws<MapRefusedException>(() => Create(type, nested)).Error);
        Assert.Equal(-22, Assert.Throws<MapRefusedException>(() => Create(type, null)).Error);
    }

    [Fact]
    public void A_map_that_was_disposed_and_is_nowhere_inside_cannot_be_put()
    {
        using GroupMap outer = Create(MapType.ArrayOfMaps);
        GroupMap inner = Inner();
        inner.Dispose();
        Assert.Equal(-9, Put(outer, 0, inner));
    }

    [Fact]
    public void Threads_that_replace_and_read_find_living_maps_only()
    {
        using (GroupMap outer = Create(MapType.ArrayOfMaps))
        {
            Parallel.For(0, 8, thread =>
            {
                for (int i = 0; i < 300; i++)
                {
                    using (GroupMap inner = Inner()) Assert.Equal(0, Put(outer, i % 4, inner));
                    if (!TryGet(outer, (thread + i) % 4, out MapUse use)) continue;
                    int key = 3;
                    *(long*)use.Map.Lookup((byte*)&key) = i;
                    use.Dispose();
                }
            });
        }

        Assert.Equal(0, _innerGroup.Memory.CurrentBytes);
    }

    private static int Put(GroupMap outer, int key, GroupMap inner) =>
        outer is ArrayOfMaps array ? array.Put(key, inner) : ((HashOfMaps)outer).Put(BitConverter.GetBytes(key), inner);

    private static bool TryGet(GroupMap outer, int key, out MapUse use) =>
        outer is ArrayOfMaps array
            ? array.TryGet(key, out use)
            : ((HashOfMaps)outer).TryGet(BitConverter.GetBytes(key), out use);

    private static int Remove(GroupMap outer, int key) => outer.Remove((byte*)&key);

    private GroupMap Inner() => GroupMap.Create(_innerGroup, MapSamples.Inner);

    private GroupMap Create(MapType type) => Create(type, MapSamples.Inner);

    private GroupMap Create(MapType type, MapDefinition? inner) => GroupMap.Create(
        _outerGroup,
        new MapDefinition { Type = type, KeyBytes = 4, ValueBytes = 4, Capacity = 4, InnerMap = inner });
}
