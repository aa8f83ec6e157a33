namespace Allot.Processes.Tests.Vm;

// What is done in the test machine, in this order, in one boot.
internal static class VmScenarios
{
    public static readonly VmScenario Machine = new("machine",
        """
        cat /sys/fs/cgroup/cgroup.controllers
        grep -c ' cgroup ' /proc/mounts
        """);

    public static readonly VmScenario CommandStarts = new("command-starts", "allot --help");

    // A group made by hand, without Allot: the figure that the command limits is there, and grows with the loop.
    public static readonly VmScenario KernelMemoryOfHandMadeGroup = new("kernel-memory-of-hand-made-group",
        """
        mkdir /sys/fs/cgroup/by-hand
        grep '^kernel ' /sys/fs/cgroup/by-hand/memory.stat
        sh -c 'echo 0 > /sys/fs/cgroup/by-hand/cgroup.procs; exec mkdir-loop . 5000'
        grep '^kernel ' /sys/fs/cgroup/by-hand/memory.stat
        remove-tree x
        rmdir /sys/fs/cgroup/by-hand
        """);

    public static readonly VmScenario Programs = new("programs",
        """
        fork-bomb --total 50 --hold-ms 10
        neighbour 20
        lock map a 1M mlock a 0 64K uring-setup r 8 uring-register r a 0 64K status
        calls all
        """);

    public static readonly VmScenario OutlivesItsLimit = new("outlives-its-limit", "sleep 1000") { LimitSeconds = 2 };

    public static IReadOnlyList<VmScenario> All { get; } =
        [Machine, CommandStarts, KernelMemoryOfHandMadeGroup, Programs, OutlivesItsLimit];
}
