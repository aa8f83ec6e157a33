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
    ];

    /// <summary>Their names, as data of a theory.</summary>
    public static TheoryData<string> Names => [.. All.Select(NameOf)];

    public static MapDefinition Of(string name) => All.First(sample => NameOf(sample) == name) with { Name = name };

    private static string NameOf(MapDefinition sample) =>
        sample.Flags == 0 ? $"{sample.Type}" : $"{sample.Type}, flags 0x{sample.Flags:x}";
}
