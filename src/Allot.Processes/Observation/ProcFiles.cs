// Reading /proc and cgroup files without allocation and without exceptions. Every method returns its result, or minus
// the errno: these files fail as a matter of course (a process ends between two readings), and a value is cheaper and
// clearer than an exception.

using System.Text;
using Allot.Processes.Native;

namespace Allot.Processes.Observation;

/// <summary>Calls on files, as values.</summary>
internal static unsafe class ProcFiles
{
    private const int BufferBytes = 16 * 1024;
    private const uint DirectoryMode = 0x1ED;   // rwxr-xr-x

    [ThreadStatic] private static byte[]? t_fileBuffer;
    [ThreadStatic] private static byte[]? t_entryBuffer;

    /// <summary>Scratch space of this thread for the contents of one file; whoever reads next overwrites it.</summary>
    internal static Span<byte> FileBuffer => t_fileBuffer ??= new byte[BufferBytes];

    /// <summary>Scratch space of this thread for the entries of one directory, apart from
    /// <see cref="FileBuffer"/>.</summary>
    internal static Span<byte> EntryBuffer => t_entryBuffer ??= new byte[BufferBytes];

    /// <summary>Opens for reading. The path is UTF-8 and ends with a zero byte.</summary>
    internal static int Open(ReadOnlySpan<byte> zeroEndedPath) => Open(zeroEndedPath, LibC.O_RDONLY);

    /// <summary>The start of /proc/ID/file in <see cref="FileBuffer"/>: all of it, for the files of one line. Minus the
    /// errno, and an empty text, when there is none.</summary>
    internal static int ReadStart(int id, ReadOnlySpan<byte> name, out ReadOnlySpan<byte> text)
    {
        text = default;
        Span<byte> path = stackalloc byte[ProcPath.MaxBytes];
        int file = Open(ProcPath.Of(id, name, path));
        if (file < 0) return file;
        Span<byte> buffer = FileBuffer;
        int length = Read(file, buffer);
        Close(file);
        if (length > 0) text = buffer[..length];
        return length;
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

    internal static int OpenForWriting(string path) => Open(ZeroEnded(path), LibC.O_WRONLY);

    internal static void Close(int descriptor) => _ = LibC.Close(descriptor);

    internal static int Read(int descriptor, Span<byte> buffer)
    {
        int result;
        fixed (byte* bytes = buffer)
        {
            do result = Result(LibC.Read(descriptor, bytes, (nuint)buffer.Length));
            while (result == -Errno.EINTR);
        }
        return result;
    }

    /// <summary>Makes the next read begin at the start of the file, where the kernel writes it anew.</summary>
    internal static bool Rewind(int descriptor) => LibC.Seek(descriptor, 0, 0) == 0;

    internal static int ReadFromStart(int descriptor, Span<byte> buffer)
    {
        int result;
        fixed (byte* bytes = buffer)
        {
            do result = Result(LibC.PRead(descriptor, bytes, (nuint)buffer.Length, 0));
            while (result == -Errno.EINTR);
        }
        return result;
    }

    internal static int Write(int descriptor, ReadOnlySpan<byte> text)
    {
        fixed (byte* bytes = text) return Result(LibC.Write(descriptor, bytes, (nuint)text.Length));
    }

    internal static int ReadLink(ReadOnlySpan<byte> zeroEndedPath, Span<byte> target)
    {
        fixed (byte* path = zeroEndedPath)
        fixed (byte* bytes = target)
            return Result(LibC.ReadLink(path, bytes, (nuint)target.Length));
    }

    /// <summary>The next entries of a directory, in the layout that <see cref="DirectoryEntries"/>
    /// understands.</summary>
    internal static int ReadEntries(int descriptor, Span<byte> buffer)
    {
        fixed (byte* bytes = buffer) return Result(LibC.ReadEntries(descriptor, bytes, (nuint)buffer.Length));
    }

    internal static int MakeDirectory(string path)
    {
        fixed (byte* bytes = ZeroEnded(path)) return Result(LibC.MakeDirectory(bytes, DirectoryMode));
    }

    internal static int RemoveDirectory(string path)
    {
        fixed (byte* bytes = ZeroEnded(path)) return Result(LibC.RemoveDirectory(bytes));
    }

    /// <summary>Waits until one of the descriptors has an event, at most so many milliseconds.</summary>
    internal static int Wait(Span<LibC.PollEntry> entries, int milliseconds)
    {
        fixed (LibC.PollEntry* first = entries) return Result(LibC.Poll(first, (nuint)entries.Length, milliseconds));
    }

    /// <summary>
    /// Returns when every processor has passed a moment at which no memory freed earlier can still be in use (an RCU
    /// grace period, some 10 to 50 ms): only then does the kernel give such memory back.
    /// </summary>
    internal static void WaitForGracePeriod()
    {
        if (LibC.WaitForGracePeriod() < 0) Wait([], 20);   // where it is refused, a pause serves
    }

    private static int Open(ReadOnlySpan<byte> zeroEndedPath, int access)
    {
        fixed (byte* path = zeroEndedPath) return Result(LibC.Open(path, access | LibC.O_CLOEXEC, 0));
    }

    private static byte[] ZeroEnded(string path) => Encoding.UTF8.GetBytes(path + '\0');

    private static int Result(nint value) => value >= 0 ? (int)value : -Errno.Last;
}
