namespace Allot;

/// <summary>Who the memory serves.</summary>
public enum MemoryKind
{
    /// <summary>What the tenant asked for: buffers, blocks, values. Charged to
    /// <see cref="MemoryGroup.Memory"/>.</summary>
    User,

    /// <summary>What the host keeps on the tenant's behalf: objects, stacks, tables. Charged to
    /// <see cref="MemoryGroup.Kernel"/> and then to <see cref="MemoryGroup.Memory"/>, of which it is a part.</summary>
    Kernel,
}
