using System.Globalization;
using Allot.Processes.Observation;

namespace Allot.Processes.Tests.Observation;

public sealed class DescendantMembersTests
{
    [Fact]
    public void Children_and_grandchildren_but_not_the_process_itself()
    {
        using TestProcess process = TestProcess.Shell(
            "sh -c 'sleep 1000 & echo $!; wait; :' & echo $!; cat >/dev/null");
        // Two shells print at the same time: two numbers in any order.
        int[] numbers = [.. new[] { process.ReadLine()!, process.ReadLine()! }
            .Select(line => int.Parse(line, CultureInfo.InvariantCulture))];
        var members = new DescendantMembers(process.Pid);
        var pids = new List<int>();
        members.Read(pids);
        Assert.DoesNotContain(process.Pid, pids);
        foreach (int pid in numbers) Assert.Contains(pid, pids);
        Assert.All(pids, pid => Assert.NotEqual(Environment.ProcessId, pid));

        new DescendantMembers(Environment.ProcessId).Read(pids);
        Assert.Contains(process.Pid, pids);
        foreach (int pid in numbers) Assert.Contains(pid, pids);
        foreach (int pid in numbers) System.Diagnostics.Process.GetProcessById(pid).Kill();
    }

    [Fact]
    public void A_process_without_children_has_no_members()
    {
        using TestProcess process = TestProcess.Shell("echo ready; read line").WaitReady();
        var pids = new List<int> { 1 };
        new DescendantMembers(process.Pid).Read(pids);
        Assert.Empty(pids);
    }

    [Fact]
    public void A_long_chain_of_processes_is_climbed_once()
    {
        const int Depth = 200;
        // Each shell starts the next and waits; the innermost says ready.
        using TestProcess process = TestProcess.Shell(
            "f() { if [ $1 -gt 0 ]; then (f $(($1 - 1)); :); else echo ready; read line; fi; }; f " + Depth).WaitReady();
        var members = new DescendantMembers(process.Pid);
        var pids = new List<int>();
        members.Read(pids);
        Assert.Equal(Depth, pids.Count);
        process.WriteLine();
        process.WaitForExit();
    }

    [Fact]
    public void Walking_again_allocates_nothing()
    {
        using TestProcess process = TestProcess.Shell("echo ready; read line").WaitReady();
        var members = new DescendantMembers(Environment.ProcessId);
        var pids = new List<int>(4096);
        Allocations.AssertNone(() => members.Read(pids));
    }
}
