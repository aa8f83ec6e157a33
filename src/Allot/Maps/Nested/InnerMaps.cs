// Which maps a map of maps takes: those like its template, because a program that was verified with the template uses
// them without a further look.

namespace Allot.Maps;

internal static class InnerMaps
{
    /// <summary>Whether a map may stand where the template was: the same type, sizes and flags; of an array the same
    /// length too, unless the template says that it may be any.</summary>
    public static bool IsLike(MapDefinition map, MapDefinition template) =>
        map.Type == template.Type
        && map.KeyBytes == template.KeyBytes
        && map.ValueBytes == template.ValueBytes
        && map.Flags == template.Flags
        && (map.Type != MapType.Array || template.Has(MapFlags.InnerMap) || map.Capacity == template.Capacity);

    /// <summary>The map of a number, with one more user.</summary>
    /// <returns>0, -9 (EBADF) when no map has the number, -22 (EINVAL) when the map is not like the template.</returns>
    public static int Take(uint number, MapDefinition template, out GroupMap? inner)
    {
        if (!MapHandles.TryFind(number, out inner)) return MapErrors.BadHandle;
        if (!IsLike(inner.Definition, template)) return MapErrors.Invalid;
        return inner.TryAddUser() ? MapErrors.None : MapErrors.BadHandle;
    }
}
