namespace Allot.Maps;

/// <summary>All types of maps that there are.</summary>
internal static partial class MapKinds
{
    /// <exception cref="MapRefusedException">The type does not exist.</exception>
    public static MapKind Of(MapDefinition definition) =>
        Basic(definition.Type) ?? Ordered(definition.Type) ?? Linking(definition.Type)
        ?? throw MapRules.Refuse(definition, MapErrors.Invalid, "there is no such type");

    // Arrays and hashes.
    private static MapKind? Basic(MapType type) => type switch
    {
        MapType.Array => new MapKind(static (group, map) => new ArrayMap(group, map), ArrayMap.FootprintOf),
        MapType.PerCpuArray => new MapKind(
            static (group, map) => new PerCpuArrayMap(group, map), PerCpuArrayMap.FootprintOf),
        MapType.Hash or MapType.PerCpuHash => new MapKind(
            static (group, map) => new HashMap(group, map), HashMap.FootprintOf),
        _ => null,
    };
}
