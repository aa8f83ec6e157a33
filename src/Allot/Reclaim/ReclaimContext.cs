namespace Allot;

/// <summary>What the context of a reclaim permits. The default permits everything.</summary>
/// <param name="Forbidden">A reclaimer that needs any of this is not called.</param>
/// <param name="KernelOnly">Only kernel memory helps: reclaimers of user memory are not called, and only kernel memory
/// is counted as given back.</param>
internal readonly record struct ReclaimContext(ReclaimNeeds Forbidden = ReclaimNeeds.None, bool KernelOnly = false)
{
    /// <summary>That of the calling code, as far as its scopes permit.</summary>
    public static ReclaimContext Current => Of(AllocationContext.Apply(AllocationFlags.Kernel));

    /// <summary>That of code with these permissions.</summary>
    public static ReclaimContext Of(AllocationFlags permitted)
    {
        ReclaimNeeds forbidden = ReclaimNeeds.None;
        if ((permitted & AllocationFlags.Io) == 0) forbidden |= ReclaimNeeds.Io;
        if ((permitted & AllocationFlags.FileSystem) == 0) forbidden |= ReclaimNeeds.FileSystem;
        if ((permitted & AllocationFlags.DirectReclaim) == 0) forbidden |= ReclaimNeeds.Blocking;
        return new ReclaimContext(forbidden);
    }

    /// <summary>The permissions that a reclaimer with these needs has to have.</summary>
    public static AllocationFlags PermissionsFor(ReclaimNeeds needs) =>
        ((needs & ReclaimNeeds.Io) != 0 ? AllocationFlags.Io : AllocationFlags.None)
        | ((needs & ReclaimNeeds.FileSystem) != 0 ? AllocationFlags.FileSystem : AllocationFlags.None);

    public bool Permits(ReclaimerRegistration registration) =>
        (registration.Needs & Forbidden) == 0
        && registration.Kind switch
        {
            MemoryKind.Kernel => registration.Group.CountsKernelMemory,
            MemoryKind.User => !KernelOnly,
            _ => !KernelOnly || registration.MayGiveKernelMemory,
        };

    /// <summary>The counter that has to fall.</summary>
    public MemoryCounter Counter(MemoryGroup group) =>
        group.Counter(KernelOnly ? CounterKind.Kernel : CounterKind.Memory);
}
