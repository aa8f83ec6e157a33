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

    public static readonly VmScenario Loop = new("loop",
        "allot run --kernel-max 16M --report json --report-file $REPORT -- mkdir-loop . 100000");

    // Two commands at once: the second has no limit and must not notice the first.
    public static readonly VmScenario LoopBesideNeighbour = new("loop-beside-neighbour",
        """
        mkdir limited free
        allot run --kernel-max 8M --report json --report-file $REPORT -- mkdir-loop limited 100000 > /dev/null &
        allot run -- mkdir-loop free 2000
        echo free $?
        wait
        """)
    {
        LimitSeconds = 120,
    };

    public static readonly VmScenario ShellLoop = new("shell-loop",
        "allot run --kernel-max 1M --report json --report-file $REPORT -- sh -c 'while mkdir x; do cd x; done'")
    {
        LimitSeconds = 120,
    };

    public static readonly VmScenario ForkBomb = new("fork-bomb",
        """
        allot run --kernel-max 8M --report json --report-file $REPORT -- fork-bomb --total 500 --seconds 30 &
        neighbour 50
        wait
        """)
    {
        LimitSeconds = 120,
    };

    public static readonly VmScenario Pins = new("pins",
        """
        allot run --pins-max 1M --report json --report-file $REPORT -- lock \
            map a 4M mlock a 0 512K mlock a 0 2M mlock a 0 512K mlock2-onfault a 1M 256K status \
            mmap-locked b 512K mlockall current shm-lock s:512K \
            fork-and map c 1M mlock c 0 512K end munlockall mlock a 0 1M status
        """);

    public static readonly VmScenario ThreeMechanisms = new("three-mechanisms",
        """
        allot run --pins-max 64K --report json --report-file $REPORT -- lock \
            map a 64K touch a mlock a 0 64K uring-setup r 8 uring-register r a 0 64K shm-lock s:64K munlockall \
            uring-register r a 0 64K status
        """);

    public static readonly VmScenario MemoryLimit = new("memory-limit",
        "allot run --memory-max 32M --report json --report-file $REPORT -- lock map a 128M touch a say survived");

    // Not in the root cgroup, where no process may be beside enabled controllers: the command makes a leaf for itself.
    public static readonly VmScenario BelowTheRoot = new("below-the-root",
        """
        mkdir /sys/fs/cgroup/session
        sh -c 'echo 0 > /sys/fs/cgroup/session/cgroup.procs
               exec allot run --kernel-max 8M --report json --report-file $REPORT -- mkdir-loop . 100000'
        cat /sys/fs/cgroup/session/cgroup.procs
        rmdir /sys/fs/cgroup/session && echo removed
        """)
    {
        LimitSeconds = 120,
    };

    public static IReadOnlyList<VmScenario> All { get; } =
    [
        Machine, CommandStarts, KernelMemoryOfHandMadeGroup, Programs, OutlivesItsLimit,
        Loop, LoopBesideNeighbour, ShellLoop, ForkBomb, Pins, ThreeMechanisms, MemoryLimit, BelowTheRoot,
    ];
}
