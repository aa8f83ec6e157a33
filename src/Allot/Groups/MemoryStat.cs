namespace Allot;

/// <summary>What a group and its descendants hold, by sort: a snapshot, not atomic as a whole.</summary>
/// <param name="UserBytes">User memory: <paramref name="KernelBytes"/> taken from all memory.</param>
/// <param name="KernelBytes">Kernel memory.</param>
/// <param name="LockedBytes">Locked bytes: a part of the pins.</param>
/// <param name="PinnedBytes">Pinned bytes: a part of the pins. Bytes both locked and pinned count in both.</param>
public readonly record struct MemoryStat(long UserBytes, long KernelBytes, long LockedBytes, long PinnedBytes);
