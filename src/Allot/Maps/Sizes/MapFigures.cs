namespace Allot.Maps;

/// <summary>What a map costs, before there is one.</summary>
/// <param name="ChargedBytes">What the group is charged when the map is made: exactly, and here.</param>
/// <param name="KernelMemlockBytes">What a kernel shows as <c>memlock</c> of the same map, new and empty.</param>
/// <param name="MaxBytes">The most that the group can ever be charged for it.</param>
public readonly record struct MapFigures(long ChargedBytes, long KernelMemlockBytes, long MaxBytes);
