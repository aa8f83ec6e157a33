namespace Allot.Maps;

internal static partial class MapKinds
{
    // What has an order: of use, of prefixes, of arrival; and what only remembers.
    private static MapKind? Ordered(MapType type) => type switch
    {
        _ => null,
    };
}
