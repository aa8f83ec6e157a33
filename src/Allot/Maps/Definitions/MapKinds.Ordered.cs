namespace Allot.Maps;

internal static partial class MapKinds
{
    // What has an order: of use, of prefixes, of arrival; and what only remembers.
    private static MapKind? Ordered(MapType type) => type switch
    {
        MapType.LruHash or MapType.LruPerCpuHash =>
            new MapKind(static (group, map) => new LruHashMap(group, map), LruHashMap.FootprintOf),
        MapType.LpmTrie => new MapKind(static (group, map) => new LpmTrie(group, map), LpmTrie.FootprintOf),
        MapType.Queue or MapType.Stack =>
            new MapKind(static (group, map) => new QueueMap(group, map), QueueMap.FootprintOf),
        MapType.BloomFilter => new MapKind(static (group, map) => new BloomFilter(group, map), BloomFilter.FootprintOf),
        MapType.StackTrace =>
            new MapKind(static (group, map) => new StackTraceMap(group, map), StackTraceMap.FootprintOf),
        _ => null,
    };
}
