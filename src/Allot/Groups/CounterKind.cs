namespace Allot;

/// <summary>Which counter of a group.</summary>
public enum CounterKind
{
    /// <summary><see cref="MemoryGroup.Memory"/>: user and kernel memory together.</summary>
    Memory,

    /// <summary><see cref="MemoryGroup.Kernel"/>: the kernel part of it.</summary>
    Kernel,

    /// <summary><see cref="MemoryGroup.Pins"/>: locked and pinned bytes.</summary>
    Pins,
}
