namespace Allot.Maps;

internal static partial class MapKinds
{
    // What holds others, belongs to others, or connects programs with the host.
    private static MapKind? Linking(MapType type) => type switch
    {
        MapType.ProgramArray => new MapKind(
            static (_, map) => throw MapRules.Refuse(map, MapErrors.Invalid, "the BPF machine makes it"),
            static (map, _) => MapFootprint.Held((Int128)map.Capacity * sizeof(ulong))),
        MapType.RingBuffer => new MapKind(static (group, map) => new RingBuffer(group, map), RingMap.FootprintOf),
        MapType.UserRingBuffer =>
            new MapKind(static (group, map) => new UserRingBuffer(group, map), RingMap.FootprintOf),
        MapType.PerfEventArray =>
            new MapKind(static (group, map) => new PerfEventArray(group, map), PerfEventArray.FootprintOf),
        _ => null,
    };
}
