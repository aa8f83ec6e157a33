using Allot.Maps;

namespace Allot.Bpf;

/// <summary>Makes maps of every type that there is.</summary>
public static class BpfMaps
{
    /// <summary>Makes a map and charges its group for it.</summary>
    /// <param name="group">Who pays: kernel memory, from the first byte on.</param>
    /// <param name="definition">What the map holds.</param>
    /// <returns>The map; dispose it.</returns>
    /// <exception cref="BpfRefusedException">The type does not exist, or cannot have this shape.</exception>
    /// <exception cref="MemoryLimitExceededException">A limit of the group refused; nothing is charged.</exception>
    public static GroupMap Create(MemoryGroup group, MapDefinition definition)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(definition);
        try
        {
            return definition.Type == MapType.ProgramArray
                ? new BpfProgramArray(group, definition)
                : GroupMap.Create(group, definition);
        }
        catch (MapRefusedException refused)
        {
            throw BpfRefusedException.Because(refused.Message);
        }
    }
}
