namespace Allot.Maps;

/// <summary>What is known of a type of map: how it is made, and what it costs.</summary>
/// <param name="Make">Makes one of a definition that <see cref="MapRules"/> has checked.</param>
/// <param name="Footprint">Its bytes, on so many processors.</param>
internal sealed record MapKind(
    Func<MemoryGroup, MapDefinition, GroupMap> Make, Func<MapDefinition, int, MapFootprint> Footprint);
