// The calls that create kernel memory, with an upper estimate of what one call creates.
//
// An estimate is what is reserved while the call runs; once the kernel's own number shows the effect, the estimate is
// dropped. Too high an estimate refuses the last few calls below the limit; too low a one lets use pass it. So they are
// high: two to ten times what was measured for the call (docs/internals/kernel-costs.md).
//
// Not here, because refusing them one by one would cost more than it holds: calls that only look things up (stat, open
// of an existing file: their caches are reclaimable), that only touch memory (page tables), and that fill what exists
// (pipe and socket contents, bounded per object by the kernel's own limits).

using System.Runtime.InteropServices;
using Allot.Processes.Native;
using Allot.Processes.Observation;
using Allot.Processes.Seccomp;

namespace Allot.Processes.Supervision;

/// <summary>The most kernel memory one call creates, in bytes; 0 when it creates none with these arguments. Before it
/// looks at more than the call and the status of its process, it calls the second argument.</summary>
internal delegate long KernelEstimate(in SeccompNotification call, Action beforeSlowWork);

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
    private const long SocketFilter = 64 * KiB;         // 4096 instructions, which is the most, kept twice
    private const long CallFilter = 128 * KiB;
    private const long ProtectionDomain = 256 * KiB;    // a thread's own copy of the rules of every layer

    private const long Map = 64 * KiB;
    private const long LoadedProgram = 64 * KiB;
    private const long LoadedTypes = 64 * KiB;
    private const ulong AmountMax = 1UL << 40;          // the kernel bounds arguments far below; sums cannot overflow

    private const long MappingCopy = 1280;              // itself, its links to pages, its place in a tree
    private const long MountCopy = KiB;
    private const long DescriptorSlot = 9;
    private const ulong DescriptorSlotsMax = 1UL << 30; // as many as the kernel lets any process have
    private const long LargestAttribute = 68 * KiB;     // the value's length is behind a pointer

    // The arguments by which the calls that create something differ from those that do not.
    private const ulong CreateFile = 0x40;              // O_CREAT
    private const ulong TemporaryFile = 0x400000;       // __O_TMPFILE, the bit that O_TMPFILE adds to O_DIRECTORY
    private const ulong CloneMemory = 0x100;            // CLONE_VM
    private const ulong CloneFiles = 0x400;             // CLONE_FILES: for clone "share", for unshare "do not"
    private const ulong CloneMounts = 0x20000;          // CLONE_NEWNS
    private const ulong CloneNetwork = 0x40000000;      // CLONE_NEWNET
    private const ulong CloneNamespaces = 0x7e020080;   // CLONE_NEW*
    private const ulong CloseRangeUnshare = 2;
    private const ulong LargeDescriptor = 0xffffff00;   // 256 and above
    private const ulong DuplicateFrom = 0;              // F_DUPFD
    private const ulong DuplicateFromCloseOnExec = 1030;
    private const ulong SetLock = 6;                    // F_SETLK
    private const ulong SetLockWait = 7;
    private const ulong SetOpenFileLock = 37;           // F_OFD_SETLK
    private const ulong SetOpenFileLockWait = 38;
    private const ulong SetPipeSize = 1031;             // F_SETPIPE_SZ
    private const ulong EpollAdd = 1;                   // EPOLL_CTL_ADD
    private const ulong SocketLevel = 1;                // SOL_SOCKET
    private const ulong AttachFilter = 26;              // SO_ATTACH_FILTER
    private const ulong AttachGroupFilter = 51;         // SO_ATTACH_REUSEPORT_CBPF
    private const ulong MountTree = 0x4000;             // MS_REC
    private const ulong OpenWholeTree = 0x8000;         // AT_RECURSIVE
    private const ulong CreateFileSystem = 6;           // FSCONFIG_CMD_CREATE
    private const ulong CreateNewFileSystem = 8;        // FSCONFIG_CMD_CREATE_EXCL
    private const ulong SetFilter = 1;                  // SECCOMP_SET_MODE_FILTER
    private const ulong SetSeccomp = 22;                // PR_SET_SECCOMP
    private const uint BpfCreateMap = 0;                // BPF_MAP_CREATE
    private const uint BpfLoadProgram = 5;              // BPF_PROG_LOAD
    private const uint BpfLoadTypes = 18;               // BPF_BTF_LOAD
    private const uint MapHashPerProcessor = 5;         // BPF_MAP_TYPE_PERCPU_HASH
    private const uint MapArrayPerProcessor = 6;        // BPF_MAP_TYPE_PERCPU_ARRAY
    private const uint MapRecentPerProcessor = 10;      // BPF_MAP_TYPE_LRU_PERCPU_HASH
    private const uint MapStoragePerProcessor = 21;     // BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE
    private const uint MapRing = 27;                    // BPF_MAP_TYPE_RINGBUF
    private const uint MapUserRing = 31;                // BPF_MAP_TYPE_USER_RINGBUF

    public static IReadOnlyList<KernelCall> All { get; } =
    [
        // Processes and threads. fork(2) and pthread_create(3): EAGAIN.
        new("fork", Errno.EAGAIN, FilterCondition.Always,
            static (in call, beforeSlowWork) => CopyOf(call.ThreadId, beforeSlowWork)),
        new("vfork", Errno.EAGAIN, FilterCondition.Always,
            static (in call, _) => Process + DescriptorTable(call.ThreadId)),
        new("clone", Errno.EAGAIN, FilterCondition.Always, CloneByFlags),
        new("clone3", Errno.EAGAIN, FilterCondition.Always, CloneByStructure),
        new("execve", Errno.ENOMEM, FilterCondition.Always, Fixed(Process)),
        new("execveat", Errno.ENOMEM, FilterCondition.Always, Fixed(Process)),
        new("unshare", Errno.ENOMEM, FilterCondition.AnyBit(0, CloneNamespaces | CloneFiles), Unshare),
        new("close_range", Errno.ENOMEM, FilterCondition.AnyBit(2, CloseRangeUnshare),
            static (in call, _) => DescriptorTable(call.ThreadId)),
        .. Each(["setgroups"], static (in call, _) => Descriptor + (8 * Amount((uint)call.Arguments[0]))),

        // Directories and files.
        .. Fixed(DirectoryEntry,
            "mkdir", "mkdirat", "mknod", "mknodat", "symlink", "symlinkat", "link", "linkat", "creat", "openat2",
            "rename", "renameat", "renameat2", "memfd_create", "memfd_secret"),
        new("open", Errno.ENOMEM, FilterCondition.AnyBit(1, CreateFile | TemporaryFile), Fixed(DirectoryEntry)),
        new("openat", Errno.ENOMEM, FilterCondition.AnyBit(2, CreateFile | TemporaryFile), Fixed(DirectoryEntry)),
        .. Each(["setxattr", "lsetxattr", "fsetxattr"], static (in call, _) => Descriptor + Amount(call.Arguments[3])),
        .. Fixed(LargestAttribute, "setxattrat"),
        new("fcntl", Errno.ENOLCK,
            FilterCondition.OneOf(1, [SetLock, SetLockWait, SetOpenFileLock, SetOpenFileLockWait]), Fixed(KiB)),
        new("fcntl", Errno.ENOMEM, FilterCondition.EqualTo(1, SetPipeSize),
            static (in call, _) => Descriptor + Amount((uint)call.Arguments[2])),

        // Tables of descriptors, which grow to the highest number in use. Small numbers are too many to ask about.
        new("fcntl", Errno.ENOMEM,
            FilterCondition.And(
                FilterCondition.OneOf(1, [DuplicateFrom, DuplicateFromCloseOnExec]),
                FilterCondition.AnyBit(2, LargeDescriptor)),
            static (in call, _) => DescriptorTable(call.Arguments[2])),
        new("dup2", Errno.ENOMEM, FilterCondition.AnyBit(1, LargeDescriptor),
            static (in call, _) => DescriptorTable(call.Arguments[1])),
        new("dup3", Errno.ENOMEM, FilterCondition.AnyBit(1, LargeDescriptor),
            static (in call, _) => DescriptorTable(call.Arguments[1])),

        // Sockets, pipes and messages.
        .. Fixed(Socket, "socket", "accept", "accept4", "pipe", "pipe2"),
        .. Fixed(2 * Socket, "socketpair"),
        .. Fixed(Descriptor, "msgget", "shmget", "mq_open"),
        .. Each(["msgsnd", "mq_timedsend"], static (in call, _) => Descriptor + Amount(call.Arguments[2])),
        .. Each(["semget"], static (in call, _) => Descriptor + (128 * Amount((uint)call.Arguments[1]))),
        new("setsockopt", Errno.ENOMEM,
            FilterCondition.And(
                FilterCondition.EqualTo(1, SocketLevel),
                FilterCondition.OneOf(2, [AttachFilter, AttachGroupFilter])),
            Fixed(SocketFilter)),

        // Mounts.
        .. Fixed(Mount, "fsopen", "fsmount", "fspick", "move_mount"),
        new("mount", Errno.ENOMEM, FilterCondition.Always,
            static (in call, beforeSlowWork) =>
                MountOf(call.ThreadId, (call.Arguments[3] & MountTree) != 0, beforeSlowWork)),
        .. Each(["open_tree", "open_tree_attr"],
            static (in call, beforeSlowWork) =>
                MountOf(call.ThreadId, (call.Arguments[2] & OpenWholeTree) != 0, beforeSlowWork)),
        new("fsconfig", Errno.ENOMEM, FilterCondition.OneOf(1, [CreateFileSystem, CreateNewFileSystem]), Fixed(Mount)),

        // Objects behind a descriptor.
        .. Fixed(Descriptor,
            "inotify_init", "inotify_init1", "inotify_add_watch", "fanotify_init", "fanotify_mark", "epoll_create",
            "epoll_create1", "timerfd_create", "eventfd", "eventfd2", "signalfd", "signalfd4", "userfaultfd",
            "pidfd_open", "landlock_create_ruleset"),
        new("epoll_ctl", Errno.ENOMEM, FilterCondition.EqualTo(1, EpollAdd), Fixed(KiB)),
        new("timer_create", Errno.EAGAIN, FilterCondition.Always, Fixed(Descriptor)),
        .. Fixed(64 * KiB, "perf_event_open", "io_setup"),
        .. Each(["io_uring_setup"], static (in call, _) => (32 * KiB) + (256 * Amount((uint)call.Arguments[0]))),

        // Filters and rules.
        new("seccomp", Errno.ENOMEM, FilterCondition.EqualTo(0, SetFilter), Fixed(CallFilter)),
        new("prctl", Errno.ENOMEM, FilterCondition.EqualTo(0, SetSeccomp), Fixed(CallFilter)),
        .. Fixed(KiB, "landlock_add_rule"),
        .. Fixed(ProtectionDomain, "landlock_restrict_self"),

        // Keys, programs and modules.
        .. Each(["add_key"], static (in call, _) => Descriptor + Amount(call.Arguments[3])),
        .. Fixed(Descriptor, "request_key", "keyctl"),
        .. Each(["bpf"], static (in call, _) => Bpf(call)),
        .. Each(["init_module"], static (in call, _) => 2 * Amount(call.Arguments[1])),
        .. Fixed(1024 * KiB, "finit_module"),
    ];

    private static KernelEstimate Fixed(long bytes) => (in _, _) => bytes;

    private static IEnumerable<KernelCall> Fixed(long bytes, params string[] names) => Each(names, Fixed(bytes));

    private static IEnumerable<KernelCall> Each(string[] names, KernelEstimate estimate) =>
        names.Select(name => new KernelCall(name, Errno.ENOMEM, FilterCondition.Always, estimate));

    private static long Amount(ulong argument) => (long)Math.Min(argument, AmountMax);

    private static long CloneByFlags(in SeccompNotification call, Action beforeSlowWork) =>
        Clone(call.ThreadId, call.Arguments[0], beforeSlowWork);

    // The flags are the first word of a structure. Unreadable reads as 0: a process, the costlier case.
    private static long CloneByStructure(in SeccompNotification call, Action beforeSlowWork) =>
        Clone(call.ThreadId, TargetMemory.ReadWord(call.ThreadId, call.Arguments[0]), beforeSlowWork);

    private static long Clone(int threadId, ulong flags, Action beforeSlowWork)
    {
        long bytes = (flags & CloneMemory) != 0 ? Thread : CopyOf(threadId, beforeSlowWork);
        bool copiesDescriptors = (flags & (CloneMemory | CloneFiles)) == CloneMemory;
        if (copiesDescriptors) bytes += DescriptorTable(threadId);
        return bytes + Namespaces(threadId, flags, beforeSlowWork);
    }

    private static long Unshare(in SeccompNotification call, Action beforeSlowWork)
    {
        ulong flags = call.Arguments[0];
        long bytes = (flags & CloneFiles) != 0 ? DescriptorTable(call.ThreadId) : 0;
        return bytes + Namespaces(call.ThreadId, flags, beforeSlowWork);
    }

    // A new address space repeats the mappings and page tables of the old one and its table of descriptors.
    private static long CopyOf(int threadId, Action beforeSlowWork) =>
        ProcessStatus.TryRead(threadId, out ProcessStatus status)
            ? Process + status.PageTableBytes + (DescriptorSlot * status.DescriptorSlots)
                + (MappingCopy * CountLines(threadId, "maps"u8, beforeSlowWork))
            : Process;

    // The table of a process, when it is copied.
    private static long DescriptorTable(int threadId) =>
        ProcessStatus.TryRead(threadId, out ProcessStatus status)
            ? Descriptor + (DescriptorSlot * status.DescriptorSlots)
            : Descriptor;

    // A table that holds this number: the kernel rounds up to a power of two.
    private static long DescriptorTable(ulong number) =>
        (uint)number < DescriptorSlotsMax ? Descriptor + (2 * DescriptorSlot * (uint)number) : 0;

    private static long Namespaces(int threadId, ulong flags, Action beforeSlowWork)
    {
        long bytes = (flags & CloneNetwork) != 0 ? NetworkNamespace : 0;
        if ((flags & CloneMounts) != 0) bytes += CopyOfMounts(threadId, beforeSlowWork);
        return (flags & CloneNamespaces & ~CloneNetwork) != 0 ? bytes + Namespace : bytes;
    }

    // A tree that is mounted again is at most all that the caller sees.
    private static long MountOf(int threadId, bool wholeTree, Action beforeSlowWork) =>
        wholeTree ? Mount + CopyOfMounts(threadId, beforeSlowWork) : Mount;

    private static long CopyOfMounts(int threadId, Action beforeSlowWork) =>
        MountCopy * CountLines(threadId, "mountinfo"u8, beforeSlowWork);

    // No file gives the number of mappings or mounts: it is the number of lines of the one that lists them, and the
    // kernel takes a microsecond or two for each.
    private static long CountLines(int threadId, ReadOnlySpan<byte> file, Action beforeSlowWork)
    {
        beforeSlowWork();
        return ProcFiles.CountLines(threadId, file);
    }

    // The structure of a map begins with type, key size, value size and entries; of a program with type, count and
    // address; of type information the fifth word is its length.
    private static long Bpf(in SeccompNotification call)
    {
        uint command = (uint)call.Arguments[0];
        if (command is not (BpfCreateMap or BpfLoadProgram or BpfLoadTypes)) return Descriptor;

        Span<uint> words = stackalloc uint[5];
        if (!TargetMemory.TryRead(call.ThreadId, call.Arguments[1], MemoryMarshal.AsBytes(words))) return Descriptor;
        if (command == BpfLoadTypes) return LoadedTypes + (4L * Math.Min(words[4], 1u << 24));
        if (command == BpfLoadProgram) return LoadedProgram + (64L * Math.Min(words[1], 1u << 20));
        return MapOf(type: words[0], keyBytes: words[1], valueBytes: words[2], entries: words[3]);
    }

    private static long MapOf(uint type, uint keyBytes, uint valueBytes, uint entries)
    {
        const uint EntryOverhead = 64;
        if (type is MapRing or MapUserRing) return Map + entries;   // here the entries are bytes

        UInt128 value = (UInt128)valueBytes * (HasValuePerProcessor(type) ? (uint)Environment.ProcessorCount : 1);
        UInt128 map = (keyBytes + value + EntryOverhead) * entries;
        return map > AmountMax ? (long)AmountMax : Map + (long)map;
    }

    private static bool HasValuePerProcessor(uint mapType) => mapType
        is MapHashPerProcessor or MapArrayPerProcessor or MapRecentPerProcessor or MapStoragePerProcessor;
}
