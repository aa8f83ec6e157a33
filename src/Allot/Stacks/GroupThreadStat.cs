namespace Allot;

/// <summary>The threads of a group and its descendants: a snapshot.</summary>
/// <param name="Threads">Threads that were started in them and have not ended.</param>
/// <param name="StackBytes">What is charged for their stacks: a part of the kernel memory. Stacks that nobody pays for
/// are not in it: of groups that do not count kernel memory, or started inside of
/// <see cref="AllocationScope.BlockAccounting"/>.</param>
public readonly record struct GroupThreadStat(long Threads, long StackBytes);
