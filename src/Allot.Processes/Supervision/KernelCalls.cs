// The calls that create kernel memory, with an upper estimate of what one call creates.
//
// An estimate is what is reserved while the call runs; once the kernel's own number shows the effect, the estimate is
// dropped. Too high an estimate refuses the last few calls below the limit; too low a one lets use pass it. So they are
// high: two to ten times what was measured for the call (docs/internals/kernel-costs.md).
//
// Not here, because refusing them one by one would cost more than it holds: calls that only look things up (stat, open
// of an existing file: their caches are reclaimable), that only touch memory (page tables), and that fill what exists
// (pipe and socket contents, bounded per object by the kernel's own limits).

using Allot.Processes.Native;
using Allot.Processes.Observation;
using Allot.Processes.Seccomp;

namespace Allot.Processes.Supervision;

/// <summary>The most kernel memory one call creates, in bytes; 0 when it creates none with these arguments.</summary>
internal delegate long KernelEstimate(in SeccompNotification call);

/// <summary>A call that creates kernel memory.</summary>
/// <param name="Name">The system call.</param>
/// <param name="RefusalErrno">What its manual page names for "no memory".</param>
/// <param name="Condition">Tested in the filter, on scalar arguments.</param>
/// <param name="Estimate">The reservation.</param>
internal sealed record KernelCall(
    string Name, int RefusalErrno, FilterCondition Condition, KernelEstimate Estimate);

internal static class KernelCalls
{
    private const long KiB = 1024;

    private const long Descriptor = 4 * KiB;
    private const long DirectoryEntry = 8 * KiB;
    private const long Socket = 8 * KiB;
    private const long Thread = 48 * KiB;
    private const long Process = 256 * KiB;
    private const long Namespace = 64 * KiB;
    private const long NetworkNamespace = 1024 * KiB;
    private const long Mount = 64 * KiB;
    private const long LargestAttribute = 68 * KiB;     // the value's length is behind a pointer

    private const ulong CreateFile = 0x40;              // O_CREAT
    private const ulong TemporaryFile = 0x400000;       // __O_TMPFILE, the bit that O_TMPFILE adds to O_DIRECTORY
    private const ulong CloneMemory = 0x100;            // CLONE_VM
    private const ulong CloneNetwork = 0x40000000;      // CLONE_NEWNET
    private const ulong CloneNamespaces = 0x7e020080;   // CLONE_NEW*

    public static IReadOnlyList<KernelCall> All { get; } =
    [
        // Processes and threads. fork(2) and pthread_create(3): EAGAIN.
        new("fork", Errno.EAGAIN, FilterCondition.Always, static (in call) => CopyOf(call.ThreadId)),
        new("vfork", Errno.EAGAIN, FilterCondition.Always, Fixed(Process)),
        new("clone", Errno.EAGAIN, FilterCondition.Always, static (in call) => Clone(call, call.Arguments[0])),
        new("clone3", Errno.EAGAIN, FilterCondition.Always, static (in call) => Clone(call, ReadWord(call, 0))),
        new("execve", Errno.ENOMEM, FilterCondition.Always, Fixed(Process)),
        new("execveat", Errno.ENOMEM, FilterCondition.Always, Fixed(Process)),
        new("unshare", Errno.ENOMEM, FilterCondition.AnyBit(0, CloneNamespaces),
            static (in call) => Namespaces(call.Arguments[0])),

        // Directories and files.
        .. Fixed(DirectoryEntry,
            "mkdir", "mkdirat", "mknod", "mknodat", "symlink", "symlinkat", "link", "linkat", "creat", "openat2",
            "rename", "renameat", "renameat2", "memfd_create", "memfd_secret"),
        new("open", Errno.ENOMEM, FilterCondition.AnyBit(1, CreateFile | TemporaryFile), Fixed(DirectoryEntry)),
        new("openat", Errno.ENOMEM, FilterCondition.AnyBit(2, CreateFile | TemporaryFile), Fixed(DirectoryEntry)),
        .. Each(["setxattr", "lsetxattr", "fsetxattr"], static (in call) => Descriptor + Amount(call.Arguments[3])),
        .. Fixed(LargestAttribute, "setxattrat"),
        new("fcntl", Errno.ENOLCK,
            FilterCondition.OneOf(1, [SetLock, SetLockWait, SetOpenFileLock, SetOpenFileLockWait]), Fixed(KiB)),
        new("fcntl", Errno.ENOMEM, FilterCondition.EqualTo(1, SetPipeSize),
            static (in call) => Descriptor + Amount(call.Arguments[2])),

        // Sockets, pipes and messages.
        .. Fixed(Socket, "socket", "accept", "accept4", "pipe", "pipe2"),
        .. Fixed(2 * Socket, "socketpair"),
        .. Fixed(Descriptor, "msgget", "shmget", "mq_open"),
        .. Each(["msgsnd"], static (in call) => Descriptor + Amount(call.Arguments[2])),
        .. Each(["semget"], static (in call) => Descriptor + (128 * Amount(call.Arguments[1]))),

        // Mounts.
        .. Fixed(Mount, "mount", "fsopen", "fsmount", "fspick", "open_tree", "open_tree_attr", "move_mount"),

        // Objects behind a descriptor.
        .. Fixed(Descriptor,
            "inotify_init", "inotify_init1", "inotify_add_watch", "fanotify_init", "fanotify_mark", "epoll_create",
            "epoll_create1", "timerfd_create", "eventfd", "eventfd2", "signalfd", "signalfd4", "userfaultfd",
            "pidfd_open", "landlock_create_ruleset"),
        new("epoll_ctl", Errno.ENOMEM, FilterCondition.EqualTo(1, EpollAdd), Fixed(KiB)),
        new("timer_create", Errno.EAGAIN, FilterCondition.Always, Fixed(Descriptor)),
        .. Fixed(64 * KiB, "perf_event_open", "io_setup"),
        .. Each(["io_uring_setup"], static (in call) => (32 * KiB) + (256 * Amount((uint)call.Arguments[0]))),

        // Keys, programs and modules.
        .. Each(["add_key"], static (in call) => Descriptor + Amount(call.Arguments[3])),
        .. Fixed(Descriptor, "request_key", "keyctl"),
        .. Each(["bpf"], Bpf),
        .. Each(["init_module"], static (in call) => 2 * Amount(call.Arguments[1])),
        .. Fixed(1024 * KiB, "finit_module"),
    ];

    private const ulong SetLock = 6;
    private const ulong SetLockWait = 7;
    private const ulong SetOpenFileLock = 37;
    private const ulong SetOpenFileLockWait = 38;
    private const ulong SetPipeSize = 1031;
    private const ulong EpollAdd = 1;

    private static KernelEstimate Fixed(long bytes) => (in _) => bytes;

    private static IEnumerable<KernelCall> Fixed(long bytes, params string[] names) => Each(names, Fixed(bytes));

    private static IEnumerable<KernelCall> Each(string[] names, KernelEstimate estimate) =>
        names.Select(name => new KernelCall(name, Errno.ENOMEM, FilterCondition.Always, estimate));

    // An argument that the kernel itself bounds far below this; the cap keeps sums far from overflow.
    private static long Amount(ulong argument) => (long)Math.Min(argument, 1UL << 40);

    private static long Clone(in SeccompNotification call, ulong flags)
    {
        long copied = (flags & CloneMemory) != 0 ? Thread : CopyOf(call.ThreadId);
        return copied + Namespaces(flags);
    }

    // A new address space repeats the page tables of the old one and its table of descriptors.
    private static long CopyOf(int threadId) =>
        ProcessStatus.TryRead(threadId, out ProcessStatus status)
            ? Process + status.PageTableBytes + (9L * status.DescriptorSlots)
            : Process;

    private static long Namespaces(ulong flags)
    {
        long bytes = (flags & CloneNetwork) != 0 ? NetworkNamespace : 0;
        return (flags & CloneNamespaces & ~CloneNetwork) != 0 ? bytes + Namespace : bytes;
    }

    // Behind a pointer: good for an estimate, never for security. Unreadable reads as 0, the costlier case of clone3.
    private static ulong ReadWord(in SeccompNotification call, int argument)
    {
        ulong word = 0;
        Span<byte> bytes = System.Runtime.InteropServices.MemoryMarshal.AsBytes(new Span<ulong>(ref word));
        return TargetMemory.TryRead(call.ThreadId, call.Arguments[argument], bytes) ? word : 0;
    }

    // BPF_MAP_CREATE (0) begins with type, key size, value size and entries; a program with type, count and address.
    private static long Bpf(in SeccompNotification call)
    {
        const ulong MapCreate = 0, ProgramLoad = 5;
        ulong command = (uint)call.Arguments[0];
        if (command is not (MapCreate or ProgramLoad)) return Descriptor;

        Span<uint> words = stackalloc uint[4];
        if (!TargetMemory.TryRead(
                call.ThreadId, call.Arguments[1], System.Runtime.InteropServices.MemoryMarshal.AsBytes(words)))
        {
            return Descriptor;
        }

        if (command == ProgramLoad) return (64 * KiB) + (64L * Math.Min(words[1], 1u << 20));
        UInt128 entry = (UInt128)words[1] + words[2] + 64;
        UInt128 map = entry * words[3];
        return map > 1UL << 40 ? 1L << 40 : Mount + (long)map;
    }
}
