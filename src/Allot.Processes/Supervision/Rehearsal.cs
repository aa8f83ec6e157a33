// The runtime compiles a method when it is called for the first time, and the first answer would wait for all of that:
// milliseconds, where later ones take microseconds. So decisions are made once before, about this process and for a
// group that is thrown away. It happens on another thread, while the launcher starts, which takes longer.

using Allot.Processes.Native;
using Allot.Processes.Observation;
using Allot.Processes.Seccomp;

namespace Allot.Processes.Supervision;

/// <summary>Gets the code that decides compiled before the first call arrives.</summary>
internal static class Rehearsal
{
    // Exec is the first call under a limit on kernel memory, so only pins are worth it.
    private static readonly string[] s_calls = ["mlock", "munlock"];

    /// <summary>Begins on a thread of its own. A call that arrives before the end is only answered later.</summary>
    public static void Begin(CallTable calls, SyscallTable numbers)
    {
        var thread = new Thread(() => Run(calls, numbers)) { Name = "allot rehearses", IsBackground = true };
        thread.Start();
    }

    private static void Run(CallTable calls, SyscallTable numbers)
    {
        var theatre = new MemoryController(options: new() { ReservesMaxBytes = 0 });
        MemoryGroup stage = theatre.Root.CreateChild("rehearsal", new MemoryGroupOptions());
        using var supervisor = new Supervisor(new SupervisorParts
        {
            Group = stage,
            Members = new DescendantMembers(Environment.ProcessId),
            Cgroup = null,
            Calls = calls,
            DeniesIoUring = false,
        });
        foreach (string name in s_calls)
        {
            if (!numbers.TryGetNumber(name, out int number)) continue;
            var call = new SeccompNotification { ThreadId = Environment.ProcessId, SyscallNumber = number };
            call.Arguments[1] = 1;   // one byte, which is one page
            int errno = supervisor.Decide(call);
            System.Diagnostics.Debug.Assert(errno == 0, "The stage has no limit.");
        }
    }
}
