// The three system calls of io_uring and the layouts they use: see io_uring_setup(2), io_uring_enter(2) and
// io_uring_register(2). Their numbers are the same on every architecture.

using System.Runtime.InteropServices;

namespace Allot;

internal static unsafe partial class RingCalls
{
    public const int ErrorNotPermitted = 1, ErrorInterrupted = 4, ErrorTryAgain = 11, ErrorNoMemory = 12;
    public const int ErrorNoSuchCall = 38;
    public const int RegisterBuffersOpcode = 0, UnregisterBuffersOpcode = 1;
    public const uint EnterGetEvents = 1, FeatureSingleMap = 1;
    public const byte ReadFixed = 4, WriteFixed = 5;
    public const nint SubmissionOffset = 0, CompletionOffset = 0x8000000, EntriesOffset = 0x10000000;

    private const int SetupNumber = 425, EnterNumber = 426, RegisterNumber = 427;
    private const int ProtectReadWrite = 3, MapSharedPopulate = 0x8001;

    public static int Setup(uint entries, Parameters* parameters) =>
        (int)SystemCall(SetupNumber, (nint)entries, (nint)parameters, 0, 0, 0, 0);

    public static int Enter(int ring, uint submit, uint complete, uint flags) =>
        (int)SystemCall(EnterNumber, ring, (nint)submit, (nint)complete, (nint)flags, 0, 0);

    public static int Register(int ring, int opcode, void* argument, uint count) =>
        (int)SystemCall(RegisterNumber, ring, opcode, (nint)argument, (nint)count, 0, 0);

    public static nint Map(int ring, nuint bytes, nint offset) =>
        Map(0, bytes, ProtectReadWrite, MapSharedPopulate, ring, offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    public static partial int Unmap(nint address, nuint bytes);

    [LibraryImport("libc", EntryPoint = "close")]
    public static partial int Close(int file);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SystemCall(
        nint number, nint first, nint second, nint third, nint fourth, nint fifth, nint sixth);

    [LibraryImport("libc", EntryPoint = "mmap")]
    private static partial nint Map(nint address, nuint bytes, int protection, int flags, int file, nint offset);

    /// <summary>struct io_uring_params.</summary>
    public struct Parameters
    {
        public uint SubmissionEntries, CompletionEntries, Flags, ThreadProcessor, ThreadIdle, Features, WorkQueue;
        public fixed uint Reserved[3];
        public Offsets Submission, Completion;
    }

    /// <summary>Where things are in a ring: struct io_sqring_offsets and io_cqring_offsets, which have the first four
    /// in common. <see cref="Items"/> is the array of indices of the one, and the completions are at
    /// <see cref="CompletionItems"/> of the other.</summary>
    public struct Offsets
    {
        public uint Head, Tail, Mask, Entries, FlagsOrOverflow, DroppedOrItems, ItemsOrFlags, Reserved;
        public ulong Address;

        public readonly uint Items => ItemsOrFlags;

        public readonly uint CompletionItems => DroppedOrItems;
    }

    /// <summary>struct io_uring_sqe.</summary>
    public struct Submission
    {
        public byte Opcode, Flags;
        public ushort Priority;
        public int File;
        public ulong Offset, Address;
        public uint Length, OperationFlags;
        public ulong UserData;
        public ushort BufferIndex, Personality;
        public int FileIndex;
        public ulong Address3, Padding;
    }

    /// <summary>struct io_uring_cqe.</summary>
    public struct Completion
    {
        public ulong UserData;
        public int Result;
        public uint Flags;
    }

    /// <summary>struct iovec.</summary>
    public struct Vector
    {
        public nint Address;
        public nuint Length;
    }
}
