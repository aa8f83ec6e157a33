namespace Allot.Maps;

/// <summary>A value for each thread, which goes with it.</summary>
public sealed class TaskStorage : LocalStorage<Thread>
{
    /// <summary>Makes the storage. Nothing is charged yet.</summary>
    /// <param name="group">Who pays for the values.</param>
    /// <param name="definition">A key has 4 bytes, the capacity is 0, the flag is NO_PREALLOC.</param>
    /// <exception cref="MapRefusedException">The definition is none of a storage.</exception>
    public TaskStorage(MemoryGroup group, MapDefinition definition)
        : base(group, definition)
    {
    }
}
