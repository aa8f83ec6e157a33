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
    public static BpfMap Create(MemoryGroup group, BpfMapDefinition definition)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(definition);
        return definition.Type switch
        {
            BpfMapType.Array => new BpfArrayMap(group, definition),
            BpfMapType.ProgramArray => new BpfProgramArray(group, definition),
            BpfMapType.Hash => new BpfHashMap(group, definition),
            _ => throw MapShape.Refuse(definition, "this type of map is not supported"),
        };
    }
}
