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
        MapType.InodeStorage =>
            new MapKind(static (group, map) => new FileStorage(group, map), FileStorage.FootprintOf),
        MapType.CgroupOwnedStorage =>
            new MapKind(static (group, map) => new GroupStorage(group, map), GroupStorage.FootprintOf),
        MapType.CgroupStorage or MapType.PerCpuCgroupStorage =>
            new MapKind(static (group, map) => new CgroupStorage(group, map), CgroupStorage.FootprintOf),
        MapType.CpuMap => new MapKind(static (group, map) => new CpuMap(group, map), CpuMap.FootprintOf),
        MapType.DevMap => new MapKind(static (group, map) => new DevMap(group, map), DevMap.FootprintOf),
        MapType.DevMapHash => new MapKind(static (group, map) => new DevMapHash(group, map), DevMapHash.FootprintOf),
        MapType.XskMap => new MapKind(static (group, map) => new XskMap(group, map), XskMap.FootprintOf),
        MapType.SockMap => new MapKind(static (group, map) => new SockMap(group, map), SockMap.FootprintOf),
        MapType.SockHash => new MapKind(static (group, map) => new SockHash(group, map), SockHash.FootprintOf),
        MapType.ReuseportSockArray =>
            new MapKind(static (group, map) => new ReuseportSockArray(group, map), ReuseportSockArray.FootprintOf),
        MapType.CgroupArray =>
            new MapKind(static (group, map) => new CgroupArray(group, map), CgroupArray.FootprintOf),
        MapType.StructOps =>
            new MapKind(static (group, map) => new StructOpsMap(group, map), StructOpsMap.FootprintOf),
        MapType.Arena => new MapKind(static (group, map) => new ArenaMap(group, map), ArenaMap.FootprintOf),
        _ => null,
    };
}
