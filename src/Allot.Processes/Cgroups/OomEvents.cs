namespace Allot.Processes.Cgroups;

/// <summary>How often the kernel met the memory limit of a cgroup. Null: this cgroup version does not count
/// it.</summary>
/// <param name="LimitHits">Allocations that met the limit and had to reclaim first; most then succeeded.</param>
/// <param name="OutOfMemory">How often reclaim was not enough.</param>
/// <param name="Killed">Processes that the kernel killed for it.</param>
internal readonly record struct OomEvents(long LimitHits, long? OutOfMemory, long Killed);
