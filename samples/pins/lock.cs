// How much can a program lock under a limit?
//
//   allot run --pins-max 1M -- dotnet run samples/pins/lock.cs
//
// Locks memory in steps of 128 KiB until the kernel or the group says no, and tells what said no. It needs no
// privilege: an ordinary user may lock up to RLIMIT_MEMLOCK, 8 MiB on most systems.

#:property AllowUnsafeBlocks=true
#:property PublishAot=false

using System.Runtime.InteropServices;

const int StepBytes = 128 * 1024;
const int MaxBytes = 4 * 1024 * 1024;

nint memory = LibC.Map(0, MaxBytes, LibC.ReadWrite, LibC.PrivateAnonymous, -1, 0);
int lockedBytes = 0;
while (lockedBytes < MaxBytes && LibC.Lock(memory + lockedBytes, StepBytes) == 0) lockedBytes += StepBytes;

Console.WriteLine(lockedBytes == MaxBytes
    ? $"Locked all {MaxBytes / 1024} KiB: no limit was met."
    : $"Locked {lockedBytes / 1024} KiB; the next {StepBytes / 1024} KiB were refused: {Marshal.GetLastPInvokeErrorMessage()}.");

internal static partial class LibC
{
    public const int ReadWrite = 3;           // PROT_READ | PROT_WRITE
    public const int PrivateAnonymous = 0x22; // MAP_PRIVATE | MAP_ANONYMOUS

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    public static partial nint Map(nint address, nint bytes, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "mlock", SetLastError = true)]
    public static partial int Lock(nint address, nint bytes);
}
