using Allot.Processes.Observation;

namespace Allot.Processes.Cgroups;

/// <summary>The processes of a cgroup and of the cgroups below it.</summary>
internal sealed class CgroupMembers(MemoryCgroup cgroup) : IMembers
{
    public void Read(List<int> pids) => cgroup.ReadMembers(pids);
}
