using Allot.Maps;
using Allot.Testing;

namespace Allot.Tests.Maps.Types;

/// <summary>What memory a program may use that nobody has verified: values, and nothing that lies between them.
/// </summary>
public sealed unsafe class MapBoundsTests
{
    public static TheoryData<string> Samples => MapSamples.Names;

    [Theory]
    [MemberData(nameof(Samples))]
    public void Values_are_inside_and_keys_are_not(string sample)
    {
        using var owners = new MapOwners();
        using GroupMap map = GroupMap.Create(new TreeOfThree().Leaf, MapSamples.Of(sample));
        var work = new MapWork(map, owners);
        var random = new Prng(1);
        for (int i = 0; i < 3000; i++) _ = work.Do(random);
        var values = (ulong)map.Definition.ValueBytes;
        foreach (nint address in ValuesOf(map))
        {
            var value = (ulong)address;
            Assert.True(map.Contains(value, values, writes: true));
            Assert.True(map.Contains(value + values - 1, 1, writes: false));
            Assert.False(map.Contains(value, ulong.MaxValue, writes: false));
            if (map.Definition.Type is not (MapType.Hash or MapType.LpmTrie)) continue;
            Assert.False(map.Contains(value - 1, 1, writes: false));
            Assert.False(map.Contains(value - 8, 16, writes: false));
            Assert.False(map.Contains(value + values, 8, writes: false));
        }
    }

    [Theory]
    [InlineData("Array")]
    [InlineData("PerCpuArray")]
    [InlineData("Hash")]
    [InlineData("PerCpuHash")]
    [InlineData("LruHash")]
    [InlineData("LruPerCpuHash")]
    [InlineData("LpmTrie, flags 0x1")]
    public void What_programs_may_do_the_flags_say(string sample)
    {
        MapDefinition definition = MapSamples.Of(sample);
        foreach (uint flag in new[] { 0u, MapFlags.ReadOnlyForPrograms, MapFlags.WriteOnlyForPrograms })
        {
            using GroupMap map =
                GroupMap.Create(new TreeOfThree().Leaf, definition with { Flags = definition.Flags | flag });
            byte[] key = new byte[8], value = new byte[map.HostValueBytes];
            fixed (byte* k = key, v = value) Assert.Equal(0, map.Write(k, v));
            var address = (ulong)ValuesOf(map)[0];
            Assert.Equal(flag != MapFlags.WriteOnlyForPrograms, map.Contains(address, 8, writes: false));
            Assert.Equal(flag != MapFlags.ReadOnlyForPrograms, map.Contains(address, 8, writes: true));
        }
    }

    private static List<nint> ValuesOf(GroupMap map)
    {
        List<nint> values = [];
        byte* key = stackalloc byte[Math.Max(8, map.Definition.KeyBytes)], before = null;
        while (map.Definition.KeyBytes > 0 && map.NextKey(before, key) == MapErrors.None)
        {
            before = key;
            byte* value = map.Lookup(key);
            if (value != null) values.Add((nint)value);
        }

        return values;
    }
}
