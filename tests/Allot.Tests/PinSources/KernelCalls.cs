using System.Runtime.InteropServices;

namespace Allot.Tests.PinSources;

/// <summary>The bare calls of the kernel that lock, for what it does without Allot. Each returns 0 or the error.</summary>
internal static partial class KernelCalls
{
    public const int PermissionError = 1, TryAgainError = 11, NoMemoryError = 12, InvalidError = 22;
    public const int NoBufferError = 105;
    public const int LockCurrent = 1, LockOnFault = 4;
    public const int Private = 0x22, Locked = 0x2000, Droppable = 0x8 | 0x20;
    public const int RemoveSegmentCommand = 0, LockSegmentCommand = 11;

    public static int Lock(nint address, long bytes) => Error(LibLock(address, (nuint)bytes));

    public static int Lock(nint address, long bytes, int flags) => Error(LibLock2(address, (nuint)bytes, flags));

    public static int LockAll(int flags) => Error(LibLockAll(flags));

    public static int Unlock(nint address, long bytes) => Error(LibUnlock(address, (nuint)bytes));

    public static int Map(long bytes, int flags, out nint address, int file = -1)
    {
        address = LibMap(0, (nuint)bytes, 3, flags, file, 0);
        return Error(address == -1 ? -1 : 0);
    }

    /// <summary>Maps other pages in the place of those that are there.</summary>
    public static int MapAt(nint address, long bytes)
    {
        const int Fixed = 0x10;
        return Error(LibMap(address, (nuint)bytes, 3, Private | Fixed, -1, 0) == -1 ? -1 : 0);
    }

    public static int Unmap(nint address, long bytes) => Error(LibUnmap(address, (nuint)bytes));

    public static int Grow(nint address, long bytes, long newBytes, out nint newAddress)
    {
        const int MayMove = 1;
        newAddress = LibRemap(address, (nuint)bytes, (nuint)newBytes, MayMove);
        return Error(newAddress == -1 ? -1 : 0);
    }

    public static int Advise(nint address, long bytes, int advice) => Error(LibAdvise(address, (nuint)bytes, advice));

    public static int MakeSegment(long bytes) => LibSegment(0, (nuint)bytes, 0x3ff | 0x200);

    public static int ControlSegment(int segment, int command) => Error(LibControl(segment, command, 0));

    public static int SecretFile(long bytes)
    {
        const nint SecretNumber = 447;
        int file = (int)LibCall(SecretNumber, 0);
        if (file >= 0) Assert.Equal(0, LibTruncate(file, (nint)bytes));
        return file;
    }

    /// <summary>Opens an event that counts nothing, for this thread alone; below 0 where that is not allowed.</summary>
    public static unsafe int OpenPerf()
    {
        const nint OpenNumber = 298;   // on x86-64
        const int Attributes = 16;     // in words
        const ulong TypeSoftware = 1, Dummy = 9, ExcludeKernel = 1 << 5, ExcludeHypervisor = 1 << 6;
        ulong* attributes = stackalloc ulong[Attributes];
        attributes[0] = TypeSoftware | ((ulong)(Attributes * sizeof(ulong)) << 32);
        attributes[1] = Dummy;
        attributes[5] = ExcludeKernel | ExcludeHypervisor;
        return (int)LibCallSix(OpenNumber, (nint)attributes, 0, -1, -1, 0);
    }

    /// <summary>Sends without a copy.</summary>
    public static unsafe int SendZeroCopy(nint socket, ReadOnlySpan<byte> content)
    {
        const int ZeroCopy = 0x4000000;
        fixed (byte* first = content)
        {
            return Error(LibSend(socket, (nint)first, (nuint)content.Length, ZeroCopy) < 0 ? -1 : 0);
        }
    }

    public static int CloseFile(int file) => Error(LibClose(file));

    private static int Error(int result) => result == 0 ? 0 : Marshal.GetLastPInvokeError();

    [LibraryImport("libc", EntryPoint = "mlock", SetLastError = true)]
    private static partial int LibLock(nint address, nuint bytes);

    [LibraryImport("libc", EntryPoint = "mlock2", SetLastError = true)]
    private static partial int LibLock2(nint address, nuint bytes, int flags);

    [LibraryImport("libc", EntryPoint = "mlockall", SetLastError = true)]
    private static partial int LibLockAll(int flags);

    [LibraryImport("libc", EntryPoint = "munlock", SetLastError = true)]
    private static partial int LibUnlock(nint address, nuint bytes);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial nint LibMap(nint address, nuint bytes, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    private static partial int LibUnmap(nint address, nuint bytes);

    [LibraryImport("libc", EntryPoint = "mremap", SetLastError = true)]
    private static partial nint LibRemap(nint address, nuint bytes, nuint newBytes, int flags);

    [LibraryImport("libc", EntryPoint = "madvise", SetLastError = true)]
    private static partial int LibAdvise(nint address, nuint bytes, int advice);

    [LibraryImport("libc", EntryPoint = "shmget", SetLastError = true)]
    private static partial int LibSegment(int key, nuint bytes, int flags);

    [LibraryImport("libc", EntryPoint = "shmctl", SetLastError = true)]
    private static partial int LibControl(int segment, int command, nint argument);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint LibCall(nint number, nint flags);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint LibCallSix(nint number, nint first, nint second, nint third, nint fourth, nint fifth);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    private static partial nint LibSend(nint socket, nint content, nuint bytes, int flags);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    private static partial int LibTruncate(int file, nint bytes);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int LibClose(int file);
}
