namespace Allot.Maps;

internal static partial class MapKinds
{
    // What holds others, belongs to others, or connects programs with the host.
    private static MapKind? Linking(MapType type) => type switch
    {
        MapType.ProgramArray => new MapKind(
            static (_, map) => throw MapRules.Refuse(map, MapErrors.Invalid, "the BPF machine makes it"),
            static (map, _) => MapFootprint.Held((Int128)map.Capacity * sizeof(ulong))),
        _ => null,
    };
}
