using Microsoft.Win32.SafeHandles;

namespace Allot.Maps;

/// <summary>A value for each open file, which goes with it. Two handles of one file have two values here, where Linux
/// has one.</summary>
public sealed class FileStorage : LocalStorage<SafeFileHandle>
{
    /// <summary>Makes the storage. Nothing is charged yet.</summary>
    /// <param name="group">Who pays for the values.</param>
    /// <param name="definition">A key has 4 bytes, the capacity is 0, the flag is NO_PREALLOC.</param>
    /// <exception cref="MapRefusedException">The definition is none of a storage.</exception>
    public FileStorage(MemoryGroup group, MapDefinition definition)
        : base(group, definition)
    {
    }
}
