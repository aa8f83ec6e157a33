// What outlives the command. Without its supervisor a member's intercepted calls fail, and with a member in it the
// cgroup cannot be removed: so the group ends with its command.

using System.Diagnostics;
using Allot.Processes.Cgroups;
using Allot.Processes.Native;
using Allot.Processes.Observation;

namespace Allot.Processes;

/// <summary>Ends the members of a group.</summary>
internal static class Leftovers
{
    private static readonly TimeSpan s_pollPause = TimeSpan.FromMilliseconds(5);

    /// <summary>Asks every member to end, waits, and kills those that have not.</summary>
    /// <returns>How many members there were.</returns>
    public static int End(IMembers members, MemoryCgroup? cgroup, TimeSpan grace)
    {
        var left = new List<int>();
        ReadLiving(members, left);
        int found = left.Count;
        if (found == 0) return 0;

        foreach (int pid in left) _ = LibC.Kill(pid, SignalNumber.SIGTERM);
        long start = Stopwatch.GetTimestamp();
        using var pause = new ManualResetEventSlim();
        while (left.Count > 0 && Stopwatch.GetElapsedTime(start) < grace)
        {
            pause.Wait(s_pollPause);
            ReadLiving(members, left);
        }

        if (left.Count == 0 || cgroup?.TryKillAll() == true) return found;
        for (int round = 0; round < 100 && left.Count > 0; round++)
        {
            foreach (int pid in left) _ = LibC.Kill(pid, SignalNumber.SIGKILL);
            pause.Wait(s_pollPause);
            ReadLiving(members, left);
        }

        return found;
    }

    // Orphans of a group without a cgroup are our children (we are their reaper): a dead one must be waited for.
    private static void ReadLiving(IMembers members, List<int> pids)
    {
        members.Read(pids);
        pids.RemoveAll(static pid =>
        {
            if (!ProcessStatus.TryRead(pid, out ProcessStatus status)) return true;
            if (status.IsZombie && status.ParentId == Environment.ProcessId) ReapZombie(pid);
            return status.IsZombie;
        });
    }

    private static unsafe void ReapZombie(int pid)
    {
        LibC.ChildInfo info;
        _ = LibC.WaitId(LibC.P_PID, pid, &info, LibC.WEXITED | LibC.WNOHANG);
    }
}
