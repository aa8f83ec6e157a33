using Allot.Processes.Native;
using Allot.Processes.Observation;

namespace Allot.Processes;

/// <summary>Members without a cgroup: our descendants. Orphans among them become our children, so none is lost.</summary>
internal static class ChildReaper
{
    private const int SetChildSubreaper = 36;   // PR_SET_CHILD_SUBREAPER

    public static IMembers Members()
    {
        _ = LibC.Prctl(SetChildSubreaper, 1, 0, 0, 0);
        return new DescendantMembers(Environment.ProcessId);
    }
}
