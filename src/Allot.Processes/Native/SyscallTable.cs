// The numbers of the system calls this assembly names, on the two architectures it runs on. A call that an
// architecture never had (arm64 has no fork, mkdir or pipe: their *at and *2 forms replaced them) is absent there.
// The tests compare the table with the kernel headers of the machine.

using System.Runtime.InteropServices;

namespace Allot.Processes.Native;

/// <summary>System call names and numbers of one architecture.</summary>
internal sealed class SyscallTable
{
    private const int Absent = -1;

    private static readonly Row[] s_rows =
    [
        // Locked and pinned memory
        new("mlock", 149, 228),
        new("mlock2", 325, 284),
        new("mlockall", 151, 230),
        new("munlock", 150, 229),
        new("munlockall", 152, 231),
        new("mmap", 9, 222),
        new("mremap", 25, 216),
        new("munmap", 11, 215),
        new("brk", 12, 214),
        new("shmctl", 31, 195),
        new("shmget", 29, 194),
        new("shmat", 30, 196),
        new("memfd_create", 319, 279),
        new("memfd_secret", 447, 447),
        new("io_setup", 206, 0),
        new("io_uring_setup", 425, 425),
        new("io_uring_enter", 426, 426),
        new("io_uring_register", 427, 427),
        new("ioctl", 16, 29),
        new("setsockopt", 54, 208),
        new("perf_event_open", 298, 241),
        new("userfaultfd", 323, 282),
        // Processes, threads, namespaces
        new("fork", 57, Absent),
        new("vfork", 58, Absent),
        new("clone", 56, 220),
        new("clone3", 435, 435),
        new("execve", 59, 221),
        new("execveat", 322, 281),
        new("unshare", 272, 97),
        new("setns", 308, 268),
        new("setgroups", 116, 159),
        new("getppid", 110, 173),
        new("getpid", 39, 172),
        new("gettid", 186, 178),
        new("kill", 62, 129),
        new("pidfd_open", 434, 434),
        new("pidfd_getfd", 438, 438),
        new("pidfd_send_signal", 424, 424),
        // Directories and files
        new("mkdir", 83, Absent),
        new("mkdirat", 258, 34),
        new("mknod", 133, Absent),
        new("mknodat", 259, 33),
        new("symlink", 88, Absent),
        new("symlinkat", 266, 36),
        new("link", 86, Absent),
        new("linkat", 265, 37),
        new("creat", 85, Absent),
        new("open", 2, Absent),
        new("openat", 257, 56),
        new("openat2", 437, 437),
        new("rename", 82, Absent),
        new("renameat", 264, 38),
        new("renameat2", 316, 276),
        new("setxattr", 188, 5),
        new("lsetxattr", 189, 6),
        new("fsetxattr", 190, 7),
        new("setxattrat", 463, 463),
        new("fcntl", 72, 25),
        new("dup2", 33, Absent),
        new("dup3", 292, 24),
        new("close_range", 436, 436),
        // Sockets, pipes, messages
        new("socket", 41, 198),
        new("socketpair", 53, 199),
        new("accept", 43, 202),
        new("accept4", 288, 242),
        new("pipe", 22, Absent),
        new("pipe2", 293, 59),
        new("msgget", 68, 186),
        new("msgsnd", 69, 189),
        new("semget", 64, 190),
        new("mq_open", 240, 180),
        new("mq_timedsend", 242, 182),
        // Mounts
        new("mount", 165, 40),
        new("fsopen", 430, 430),
        new("fsconfig", 431, 431),
        new("fsmount", 432, 432),
        new("fspick", 433, 433),
        new("open_tree", 428, 428),
        new("open_tree_attr", 467, 467),
        new("move_mount", 429, 429),
        new("mount_setattr", 442, 442),
        // Events and timers
        new("inotify_init", 253, Absent),
        new("inotify_init1", 294, 26),
        new("inotify_add_watch", 254, 27),
        new("fanotify_init", 300, 262),
        new("fanotify_mark", 301, 263),
        new("epoll_create", 213, Absent),
        new("epoll_create1", 291, 20),
        new("epoll_ctl", 233, 21),
        new("timer_create", 222, 107),
        new("timerfd_create", 283, 85),
        new("eventfd", 284, Absent),
        new("eventfd2", 290, 19),
        new("signalfd", 282, Absent),
        new("signalfd4", 289, 74),
        // Keys, BPF, modules, security
        new("add_key", 248, 217),
        new("request_key", 249, 218),
        new("keyctl", 250, 219),
        new("bpf", 321, 280),
        new("init_module", 175, 105),
        new("finit_module", 313, 273),
        new("landlock_create_ruleset", 444, 444),
        new("landlock_add_rule", 445, 445),
        new("landlock_restrict_self", 446, 446),
        new("seccomp", 317, 277),
        // Used raw by this assembly
        new("kcmp", 312, 272),
        new("membarrier", 324, 283),
        new("rt_sigaction", 13, 134),
        new("rt_sigprocmask", 14, 135),
        new("tgkill", 234, 131),
        new("prctl", 157, 167),
    ];

    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);
    private readonly string?[] _names;

    private SyscallTable(string architecture, uint auditArchitecture, Func<Row, int> number)
    {
        Architecture = architecture;
        AuditArchitecture = auditArchitecture;
        int highest = 0;
        foreach (Row row in s_rows) highest = Math.Max(highest, number(row));
        _names = new string?[highest + 1];
        foreach (Row row in s_rows)
        {
            if (number(row) == Absent) continue;
            _numbers.Add(row.Name, number(row));
            _names[number(row)] = row.Name;
        }
    }

    /// <summary>The table of x86-64.</summary>
    public static SyscallTable X64 { get; } = new("x86-64", 0xC000003E, static row => row.X64);

    /// <summary>The table of arm64.</summary>
    public static SyscallTable Arm64 { get; } = new("arm64", 0xC00000B7, static row => row.Arm64);

    /// <summary>The table of this machine; null on an architecture that is not supported.</summary>
    public static SyscallTable? Current { get; } = RuntimeInformation.ProcessArchitecture switch
    {
        System.Runtime.InteropServices.Architecture.X64 => X64,
        System.Runtime.InteropServices.Architecture.Arm64 => Arm64,
        _ => null,
    };

    /// <summary>The architecture's name, for messages.</summary>
    public string Architecture { get; }

    /// <summary>What the kernel writes in <c>seccomp_data.arch</c> for a native call of this architecture.</summary>
    public uint AuditArchitecture { get; }

    /// <summary>Every name that has a number here.</summary>
    public IReadOnlyCollection<string> Names => _numbers.Keys;

    /// <summary>
    /// The number of a call; false when this architecture does not have it or the table does not name it.
    /// </summary>
    public bool TryGetNumber(string name, out int number) => _numbers.TryGetValue(name, out number);

    /// <summary>The name of a number; null when the table does not name it.</summary>
    public string? NameOf(int number) => (uint)number < (uint)_names.Length ? _names[number] : null;

    private readonly record struct Row(string Name, int X64, int Arm64);
}
