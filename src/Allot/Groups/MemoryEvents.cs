namespace Allot;

/// <summary>How often something happened to a group: a snapshot, exact per value, not atomic as a whole.</summary>
/// <param name="MemoryMax">Charges that the group's <see cref="MemoryGroup.Memory"/> limit refused.</param>
/// <param name="MemoryForced">Forced charges that left memory above its limit.</param>
/// <param name="KernelMax">Charges that the group's <see cref="MemoryGroup.Kernel"/> limit refused.</param>
/// <param name="KernelForced">Forced charges that left kernel memory above its limit.</param>
/// <param name="PinsMax">Charges that the group's <see cref="MemoryGroup.Pins"/> limit refused.</param>
/// <param name="PinsForced">Forced charges that left pins above their limit.</param>
/// <param name="AccountingErrors">Times that more was uncharged than the group held. The excess was ignored; it is a
/// mistake of the code that charges.</param>
/// <remarks>An event belongs to the group whose limit acted, not to the one that asked. The local view counts what this
/// group's own limits did; the hierarchical view adds all descendants.</remarks>
public readonly record struct MemoryEvents(
    long MemoryMax,
    long MemoryForced,
    long KernelMax,
    long KernelForced,
    long PinsMax,
    long PinsForced,
    long AccountingErrors);
