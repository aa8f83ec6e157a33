using Allot.Maps;

namespace Allot.Tests.Maps;

/// <summary>A map of each type, as the tests of all types use them. A new type joins by a line.</summary>
internal static class MapSamples
{
    public static IEnumerable<MapDefinition> All =>
    [
        new() { Type = MapType.Array, KeyBytes = 4, ValueBytes = 12, Capacity = 1000 },
        new() { Type = MapType.PerCpuArray, KeyBytes = 4, ValueBytes = 12, Capacity = 1000 },
        new() { Type = MapType.Hash, KeyBytes = 8, ValueBytes = 24, Capacity = 1000 },
        new() { Type = MapType.Hash, KeyBytes = 8, ValueBytes = 24, Capacity = 1000, Flags = MapFlags.NoPreallocation },
        new() { Type = MapType.PerCpuHash, KeyBytes = 5, ValueBytes = 12, Capacity = 1000 },
        new()
        {
            Type = MapType.PerCpuHash,
            KeyBytes = 4,
            ValueBytes = 12,
            Capacity = 1000,
            Flags = MapFlags.NoPreallocation,
        },
        new() { Type = MapType.LruHash, KeyBytes = 4, ValueBytes = 24, Capacity = 1000 },
        new() { Type = MapType.LruHash, KeyBytes = 12, ValueBytes = 24, Capacity = 999, Flags = MapFlags.NoCommonLru },
        new() { Type = MapType.LruPerCpuHash, KeyBytes = 8, ValueBytes = 12, Capacity = 1000 },
        new()
        {
            Type = MapType.LruPerCpuHash,
            KeyBytes = 8,
            ValueBytes = 12,
            Capacity = 999,
            Flags = MapFlags.NoCommonLru,
        },
        new() { Type = MapType.LpmTrie, KeyBytes = 8, ValueBytes = 8, Capacity = 99, Flags = MapFlags.NoPreallocation },
        new() { Type = MapType.Queue, ValueBytes = 12, Capacity = 100 },
        new() { Type = MapType.Stack, ValueBytes = 12, Capacity = 100 },
        new() { Type = MapType.BloomFilter, ValueBytes = 12, Capacity = 100, MapExtra = 3 },
        new() { Type = MapType.StackTrace, KeyBytes = 4, ValueBytes = 80, Capacity = 100 },
    ];

    /// <summary>Their names, as data of a theory.</summary>
    public static TheoryData<string> Names => [.. All.Select(NameOf)];

    public static MapDefinition Of(string name) => All.First(sample => NameOf(sample) == name) with { Name = name };

    private static string NameOf(MapDefinition sample) =>
        sample.Flags == 0 ? $"{sample.Type}" : $"{sample.Type}, flags 0x{sample.Flags:x}";
}
