namespace Allot.Bpf;

/// <summary>What an object says to be in a map from the start.</summary>
/// <param name="Map">The index of the map of maps, or of the array of programs.</param>
/// <param name="Index">Where in it.</param>
/// <param name="Section">The section of the map or program.</param>
/// <param name="Value">Where in that section it is.</param>
internal readonly record struct BpfSlot(int Map, int Index, int Section, long Value);
