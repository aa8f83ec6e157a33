namespace Allot.Maps;

/// <summary>What maps cost, known before there is one.</summary>
public static class MapSizes
{
    /// <summary>The three figures of a map.</summary>
    /// <param name="definition">The map.</param>
    /// <param name="profile">The kernel to compare with, and the processors; null for the default.</param>
    /// <exception cref="MapRefusedException">The type does not exist, or cannot have this shape.</exception>
    public static MapFigures Of(MapDefinition definition, KernelProfile? profile = null)
    {
        ArgumentNullException.ThrowIfNull(definition);
        profile ??= KernelProfile.Default;
        MapRules.Check(definition, profile);
        MapFootprint footprint = MapKinds.Of(definition).Footprint(definition, profile.Processors);
        long memlock = MemlockFormulas.Of(definition, count: 0, profile);
        return new MapFigures(footprint.CreatedBytes, memlock, footprint.MostBytes);
    }
}
