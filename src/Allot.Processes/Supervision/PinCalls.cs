// The calls that lock or pin memory, and those that release it.

using Allot.Processes.Native;
using Allot.Processes.Seccomp;

namespace Allot.Processes.Supervision;

internal enum PinAction
{
    Lock,
    LockAll,
    Unlock,
    UnlockAll,
    MapLocked,
    Remap,
    LockSegment,
    UnlockSegment,
    RegisterBuffers,
    RegisterBuffers2,
    UpdateBuffers,
    UnregisterBuffers,
    VfioMap,
    IommuMap,
    RegisterXdpArea,
}

/// <summary>A call that locks or pins memory.</summary>
/// <param name="Name">The system call.</param>
/// <param name="Action">What it does with these arguments.</param>
/// <param name="RefusalErrno">What the kernel answers for the same call above RLIMIT_MEMLOCK.</param>
/// <param name="Condition">Tested in the filter, on scalar arguments.</param>
internal sealed record PinCall(string Name, PinAction Action, int RefusalErrno, FilterCondition Condition);

internal static class PinCalls
{
    public const int IoUringOpcodeArgument = 1;
    public const int SegmentCommandArgument = 1;

    private const ulong MapLockedFlag = 0x2000;

    // shmctl(2): C libraries may add the IPC_64 bit to the command.
    private const ulong SegmentCommandMask = uint.MaxValue & ~0x100ul;
    private const ulong SegmentLock = 11;
    private const ulong SegmentUnlock = 12;

    // io_uring_register(2): bit 31 says that the first argument is an index of a registered ring.
    private const ulong RegisterOpcodeMask = 0x7fffffff;

    private const ulong VfioIommuMapDma = 0x3b71;
    private const ulong IommuIoasMap = 0x3b85;
    private const ulong SolXdp = 283;
    private const ulong XdpUmemRegister = 4;

    public static IReadOnlyList<PinCall> All { get; } =
    [
        new("mlock", PinAction.Lock, Errno.ENOMEM, FilterCondition.Always),
        new("mlock2", PinAction.Lock, Errno.ENOMEM, FilterCondition.Always),
        new("mlockall", PinAction.LockAll, Errno.ENOMEM, FilterCondition.Always),
        new("munlock", PinAction.Unlock, Errno.ENOMEM, FilterCondition.Always),
        new("munlockall", PinAction.UnlockAll, Errno.ENOMEM, FilterCondition.Always),
        new("mmap", PinAction.MapLocked, Errno.EAGAIN, FilterCondition.AnyBit(3, MapLockedFlag)),
        new("mremap", PinAction.Remap, Errno.EAGAIN, FilterCondition.Greater(2, 1)),
        new("shmctl", PinAction.LockSegment, Errno.ENOMEM, SegmentCommand(SegmentLock)),
        new("shmctl", PinAction.UnlockSegment, Errno.ENOMEM, SegmentCommand(SegmentUnlock)),
        new("io_uring_register", PinAction.RegisterBuffers, Errno.ENOMEM, RegisterOpcode(0)),
        new("io_uring_register", PinAction.UnregisterBuffers, Errno.ENOMEM, RegisterOpcode(1)),
        new("io_uring_register", PinAction.RegisterBuffers2, Errno.ENOMEM, RegisterOpcode(15)),
        new("io_uring_register", PinAction.UpdateBuffers, Errno.ENOMEM, RegisterOpcode(16)),
        new("ioctl", PinAction.VfioMap, Errno.ENOMEM, FilterCondition.EqualTo(1, VfioIommuMapDma)),
        new("ioctl", PinAction.IommuMap, Errno.ENOMEM, FilterCondition.EqualTo(1, IommuIoasMap)),
        new("setsockopt", PinAction.RegisterXdpArea, Errno.ENOBUFS,
            FilterCondition.And(FilterCondition.EqualTo(1, SolXdp), FilterCondition.EqualTo(2, XdpUmemRegister))),
    ];

    private static FilterCondition SegmentCommand(ulong command) =>
        FilterCondition.MaskedEqual(SegmentCommandArgument, SegmentCommandMask, command);

    private static FilterCondition RegisterOpcode(ulong opcode) =>
        FilterCondition.MaskedEqual(IoUringOpcodeArgument, RegisterOpcodeMask, opcode);
}
