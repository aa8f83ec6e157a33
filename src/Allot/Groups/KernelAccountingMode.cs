namespace Allot;

/// <summary>Which groups of a tree have their kernel memory counted.</summary>
public enum KernelAccountingMode
{
    /// <summary>All groups, always.</summary>
    Always,

    /// <summary>A group whose <see cref="MemoryGroup.Kernel"/> got a limit, and every group created below it from then
    /// on. See <see cref="MemoryControllerOptions.KernelAccounting"/>.</summary>
    OnFirstLimit,
}
