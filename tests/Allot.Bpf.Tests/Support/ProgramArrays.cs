using Allot.Maps;

namespace Allot.Bpf.Tests.Support;

/// <summary>Arrays of programs, for tail calls.</summary>
internal static class ProgramArrays
{
    public static BpfProgramArray Create(MemoryGroup group, int capacity = 1) =>
        (BpfProgramArray)BpfMaps.Create(group, new MapDefinition
        {
            Name = "programs",
            Type = MapType.ProgramArray,
            KeyBytes = 4,
            ValueBytes = 4,
            Capacity = capacity,
        });
}
