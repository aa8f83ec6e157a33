namespace Allot;

/// <summary>What the context of a reclaim permits. The default permits everything.</summary>
/// <param name="Forbidden">A reclaimer that needs any of this is not called.</param>
/// <param name="KernelOnly">Only kernel memory helps: reclaimers of user memory are not called, and only kernel memory
/// is counted as given back.</param>
internal readonly record struct ReclaimContext(ReclaimNeeds Forbidden = ReclaimNeeds.None, bool KernelOnly = false)
{
    public bool Permits(ReclaimerRegistration registration) =>
        (registration.Needs & Forbidden) == 0
        && (registration.Kind == MemoryKind.Kernel ? registration.Group.CountsKernelMemory : !KernelOnly);

    /// <summary>The counter that has to fall.</summary>
    public MemoryCounter Counter(MemoryGroup group) =>
        group.Counter(KernelOnly ? CounterKind.Kernel : CounterKind.Memory);
}
