using Allot.Processes.Cgroups;
using Allot.Processes.Observation;

namespace Allot.Processes.Supervision;

/// <summary>What a supervisor works with.</summary>
internal sealed class SupervisorParts
{
    /// <summary>The group whose counters it keeps.</summary>
    public required MemoryGroup Group { get; init; }

    /// <summary>Who is in it.</summary>
    public required IMembers Members { get; init; }

    /// <summary>What the kernel measures; null without the right to have a cgroup, when only pins can be
    /// limited.</summary>
    public required MemoryCgroup? Cgroup { get; init; }

    /// <summary>What is intercepted; null when nothing is.</summary>
    public required CallTable? Calls { get; init; }

    /// <summary>Whether io_uring_setup fails with ENOSYS: what a ring submits passes every filter.</summary>
    public required bool DeniesIoUring { get; init; }
}
