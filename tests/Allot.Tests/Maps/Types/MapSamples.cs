using Allot.Maps;

namespace Allot.Tests.Maps.Types;

/// <summary>A map of each type, as the tests of all types use them. A new type joins by a line; one that is forgotten
/// fails a test (<see cref="MapChargingTests"/>).</summary>
internal static class MapSamples
{
    public static IEnumerable<MapDefinition> All =>
    [
        new() { Type = MapType.Array, KeyBytes = 4, ValueBytes = 12, Capacity = 1000 },
        new() { Type = MapType.PerCpuArray, KeyBytes = 4, ValueBytes = 12, Capacity = 1000 },
        new() { Type = MapType.Hash, KeyBytes = 8, ValueBytes = 24, Capacity = 1000 },
        new() { Type = MapType.RingBuffer, Capacity = 8192 },
        new() { Type = MapType.UserRingBuffer, Capacity = 8192 },
        new() { Type = MapType.PerfEventArray, KeyBytes = 4, ValueBytes = 4, Capacity = 16 },
        new() { Type = MapType.ArrayOfMaps, KeyBytes = 4, ValueBytes = 4, Capacity = 1000, InnerMap = Inner },
        new() { Type = MapType.CpuMap, KeyBytes = 4, ValueBytes = 4, Capacity = 200 },
        new() { Type = MapType.DevMap, KeyBytes = 4, ValueBytes = 8, Capacity = 1000 },
        new() { Type = MapType.DevMapHash, KeyBytes = 4, ValueBytes = 8, Capacity = 1000 },
        new() { Type = MapType.XskMap, KeyBytes = 4, ValueBytes = 4, Capacity = 1000 },
        new() { Type = MapType.SockMap, KeyBytes = 4, ValueBytes = 8, Capacity = 1000 },
        new() { Type = MapType.SockHash, KeyBytes = 6, ValueBytes = 8, Capacity = 1000 },
        new() { Type = MapType.ReuseportSockArray, KeyBytes = 4, ValueBytes = 8, Capacity = 1000 },
        new() { Type = MapType.CgroupArray, KeyBytes = 4, ValueBytes = 4, Capacity = 1000 },
        new() { Type = MapType.StructOps, KeyBytes = 4, ValueBytes = 128, Capacity = 1, FunctionCount = 3 },
        new() { Type = MapType.Arena, Capacity = 1000, Flags = MapFlags.Mappable },
        new() { Type = MapType.HashOfMaps, KeyBytes = 7, ValueBytes = 4, Capacity = 1000, InnerMap = Inner },
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
        new() { Type = MapType.CgroupStorage, KeyBytes = 8, ValueBytes = 24 },
        new() { Type = MapType.PerCpuCgroupStorage, KeyBytes = 16, ValueBytes = 24 },
        Storage(MapType.TaskStorage),
        Storage(MapType.SocketStorage),
        Storage(MapType.InodeStorage),
        Storage(MapType.CgroupOwnedStorage),
    ];

    public static MapDefinition Inner { get; } =
        new() { Type = MapType.Array, KeyBytes = 4, ValueBytes = 8, Capacity = 4 };

    /// <summary>Their names, as data of a theory.</summary>
    public static TheoryData<string> Names => [.. All.Select(NameOf)];

    /// <summary>Those that take memory when they are made.</summary>
    public static TheoryData<string> NamesOfThoseWithMemory =>
        [.. All.Where(sample => MapSizes.Of(sample).ChargedBytes > 0).Select(NameOf)];

    /// <summary>Those that can take more memory later.</summary>
    public static TheoryData<string> NamesOfThoseThatGrow => [.. All.Where(Grows).Select(NameOf)];

    public static bool Grows(MapDefinition sample) => MapSizes.Of(sample).MaxBytes > MapSizes.Of(sample).ChargedBytes;

    public static MapDefinition Of(string name) => All.First(sample => NameOf(sample) == name) with { Name = name };

    private static MapDefinition Storage(MapType type) =>
        new() { Type = type, KeyBytes = 4, ValueBytes = 24, Flags = MapFlags.NoPreallocation };

    private static string NameOf(MapDefinition sample) =>
        sample.Flags == 0 ? $"{sample.Type}" : $"{sample.Type}, flags 0x{sample.Flags:x}";
}
