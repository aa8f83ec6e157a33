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
        MapType.ArrayOfMaps => new MapKind(static (group, map) => new ArrayOfMaps(group, map), ArrayOfMaps.FootprintOf),
        MapType.HashOfMaps => new MapKind(static (group, map) => new HashOfMaps(group, map), HashOfMaps.FootprintOf),
        MapType.TaskStorage => new MapKind(static (group, map) => new TaskStorage(group, map), TaskStorage.FootprintOf),
        MapType.SocketStorage =>
            new MapKind(static (group, map) => new SocketStorage(group, map), SocketStorage.FootprintOf),
        MapType.InodeStorage => new MapKind(static (group, map) => new FileStorage(group, map), FileStorage.FootprintOf),
        MapType.CgroupOwnedStorage =>
            new MapKind(static (group, map) => new GroupStorage(group, map), GroupStorage.FootprintOf),
        MapType.CgroupStorage or MapType.PerCpuCgroupStorage =>
            new MapKind(static (group, map) => new CgroupStorage(group, map), CgroupStorage.FootprintOf),
        _ => null,
    };
}
