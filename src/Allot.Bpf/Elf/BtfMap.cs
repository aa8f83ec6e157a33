using Allot.Maps;

namespace Allot.Bpf;

/// <summary>A map as BTF describes it.</summary>
/// <param name="Definition">What it holds.</param>
/// <param name="SlotsAt">Where, in the variable, the maps or programs are that it holds from the start; below 0 when it
/// has none.</param>
internal readonly record struct BtfMap(MapDefinition Definition, int SlotsAt);
