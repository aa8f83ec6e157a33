using Allot.Processes.Observation;

namespace Allot.Processes.Tests.Supervision;

/// <summary>Members whom the test says.</summary>
internal sealed class FixedMembers : IMembers
{
    public List<int> Pids { get; } = [];

    public void Read(List<int> pids)
    {
        pids.Clear();
        pids.AddRange(Pids);
    }
}
