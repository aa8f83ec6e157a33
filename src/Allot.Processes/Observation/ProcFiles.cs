// The few system calls that reading /proc and cgroup files needs, without allocation and without exceptions.
// Every method returns its result, or minus the errno: these files fail as a matter of course (a process ends between
// two reads), and a value is cheaper and clearer than an exception.

using System.Runtime.InteropServices;

namespace Allot.Processes.Observation;

internal static unsafe partial class ProcFiles
{
    internal const int NotPermitted = 1;       // EPERM
    internal const int NoEntry = 2;            // ENOENT
    internal const int NoProcess = 3;          // ESRCH
    internal const int Interrupted = 4;        // EINTR
    internal const int TryAgain = 11;          // EAGAIN
    internal const int AccessDenied = 13;      // EACCES
    internal const int Busy = 16;              // EBUSY
    internal const int Exists = 17;            // EEXIST
    internal const int NoDevice = 19;          // ENODEV: the cgroup behind an open file was removed
    internal const int TooManyFiles = 24;      // EMFILE
    internal const int ReadOnlyFileSystem = 30; // EROFS

    internal const int KillSignal = 9;         // SIGKILL

    private const int WriteOnly = 1;
    private const int CloseOnExec = 0x80000;   // the same on x64 and arm64
    private const int BufferBytes = 16 * 1024;

    private const int MembarrierGlobal = 1;

    private const nint PidfdSendSignalCall = 424;  // the same numbers on every architecture
    private const nint PidfdOpenCall = 434;

    [ThreadStatic] private static byte[]? t_fileBuffer;
    [ThreadStatic] private static byte[]? t_entryBuffer;

    /// <summary>Scratch space of this thread for the contents of one file; whoever reads next overwrites it.</summary>
    internal static Span<byte> FileBuffer => t_fileBuffer ??= new byte[BufferBytes];

    /// <summary>Scratch space of this thread for the entries of one directory, apart from
    /// <see cref="FileBuffer"/>.</summary>
    internal static Span<byte> EntryBuffer => t_entryBuffer ??= new byte[BufferBytes];

    /// <summary>Opens for reading. The path is UTF-8 and ends with a zero byte.</summary>
    internal static int Open(ReadOnlySpan<byte> zeroEndedPath)
    {
        fixed (byte* path = zeroEndedPath)
            return Result(OpenCall(path, CloseOnExec, 0));
    }

    /// <summary>How many lines /proc/ID/file has; 0 when it cannot be read. Lines of any length are counted.</summary>
    internal static int CountLines(int id, ReadOnlySpan<byte> name)
    {
        Span<byte> path = stackalloc byte[ProcPath.MaxBytes];
        int file = Open(ProcPath.Of(id, name, path));
        if (file < 0) return 0;
        int lines = 0;
        Span<byte> buffer = FileBuffer;
        for (int count = Read(file, buffer); count > 0; count = Read(file, buffer))
        {
            lines += buffer[..count].Count((byte)'\n');
        }

        Close(file);
        return lines;
    }

    internal static int OpenForWriting(string path) => Result(OpenPathCall(path, WriteOnly | CloseOnExec, 0));

    internal static void Close(int descriptor) => _ = CloseCall(descriptor);

    internal static int Read(int descriptor, Span<byte> buffer)
    {
        int result;
        fixed (byte* bytes = buffer)
        {
            do result = Result(ReadCall(descriptor, bytes, (nuint)buffer.Length));
            while (result == -Interrupted);
        }
        return result;
    }

    /// <summary>Makes the next read begin at the start of the file, where the kernel writes it anew.</summary>
    internal static bool Rewind(int descriptor) => SeekCall(descriptor, 0, 0) == 0;

    internal static int ReadFromStart(int descriptor, Span<byte> buffer)
    {
        int result;
        fixed (byte* bytes = buffer)
        {
            do result = Result(PReadCall(descriptor, bytes, (nuint)buffer.Length, 0));
            while (result == -Interrupted);
        }
        return result;
    }

    internal static int Write(int descriptor, ReadOnlySpan<byte> text)
    {
        fixed (byte* bytes = text)
            return Result(WriteCall(descriptor, bytes, (nuint)text.Length));
    }

    internal static int ReadLink(ReadOnlySpan<byte> zeroEndedPath, Span<byte> target)
    {
        fixed (byte* path = zeroEndedPath)
        fixed (byte* bytes = target)
            return Result(ReadLinkCall(path, bytes, (nuint)target.Length));
    }

    /// <summary>The next entries of a directory, in the layout that <see cref="DirectoryEntries"/>
    /// understands.</summary>
    internal static int ReadEntries(int descriptor, Span<byte> buffer)
    {
        fixed (byte* bytes = buffer)
            return Result(GetDents64Call(descriptor, bytes, (nuint)buffer.Length));
    }

    internal static int MakeDirectory(string path) => Result(MkdirCall(path, 0x1ED /* rwxr-xr-x */));

    internal static int RemoveDirectory(string path) => Result(RmdirCall(path));

    /// <summary>A descriptor of a process: unlike the pid, it can never come to mean another one.</summary>
    internal static int OpenProcess(int pid) => Result(SystemCall(PidfdOpenCall, pid, 0, 0, 0));

    internal static int Signal(int processDescriptor, int signal) =>
        Result(SystemCall(PidfdSendSignalCall, processDescriptor, signal, 0, 0));

    /// <summary>Waits until one of the descriptors has an event, at most <paramref name="milliseconds"/>.</summary>
    internal static int Wait(Span<PollEntry> entries, int milliseconds)
    {
        fixed (PollEntry* first = entries)
            return Result(PollCall(first, (nuint)entries.Length, milliseconds));
    }

    /// <summary>
    /// Returns when every processor has passed a moment at which no memory freed earlier can still be in use (an RCU
    /// grace period, some 10 to 50 ms): only then does the kernel give such memory back.
    /// </summary>
    internal static void WaitForGracePeriod()
    {
        // Refused on machines with processors that take no timer tick; a pause serves there.
        if (SystemCall(MembarrierCall, MembarrierGlobal, 0, 0, 0) < 0) Wait([], 20);
    }

    /// <summary>The text of an errno, as the C library says it.</summary>
    internal static string Message(int errno) => Marshal.GetPInvokeErrorMessage(errno);

    private static nint MembarrierCall => RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 324 : 283;

    private static int Result(nint value) => value >= 0 ? (int)value : -Marshal.GetLastPInvokeError();

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true)]
    private static partial int OpenCall(byte* path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int OpenPathCall(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    private static partial int CloseCall(int descriptor);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint ReadCall(int descriptor, byte* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    private static partial long SeekCall(int descriptor, long offset, int origin);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    private static partial nint PReadCall(int descriptor, byte* buffer, nuint length, long offset);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint WriteCall(int descriptor, byte* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "readlink", SetLastError = true)]
    private static partial nint ReadLinkCall(byte* path, byte* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "getdents64", SetLastError = true)]
    private static partial nint GetDents64Call(int descriptor, byte* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "mkdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MkdirCall(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "rmdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RmdirCall(string path);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int PollCall(PollEntry* entries, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SystemCall(nint number, nint first, nint second, nint third, nint fourth);
}

/// <summary>The C library's <c>struct pollfd</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PollEntry
{
    internal const short Readable = 0x1;
    internal const short Priority = 0x2;

    internal int Descriptor;
    internal short Events;
    internal short Happened;
}
