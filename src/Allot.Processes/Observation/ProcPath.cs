using System.Buffers.Text;
using System.Diagnostics;

namespace Allot.Processes.Observation;

/// <summary>Builds the zero-ended paths of /proc in a caller's stack buffer.</summary>
/// <remarks>Not by string interpolation: code that is not yet optimized would box the numbers.</remarks>
internal static class ProcPath
{
    /// <summary>Enough for every path built here.</summary>
    internal const int MaxBytes = 64;

    /// <summary>"/proc/PID/file".</summary>
    internal static ReadOnlySpan<byte> Of(int pid, ReadOnlySpan<byte> file, Span<byte> path) =>
        path[..EndWithZero(path, AppendFile(pid, file, path))];

    /// <summary>"/proc/PID/directory/NUMBER", for fd and fdinfo.</summary>
    internal static ReadOnlySpan<byte> Of(int pid, ReadOnlySpan<byte> directory, int number, Span<byte> path)
    {
        int length = AppendFile(pid, directory, path);
        length = Append("/"u8, path, length);
        return path[..EndWithZero(path, Append(number, path, length))];
    }

    private static int AppendFile(int pid, ReadOnlySpan<byte> file, Span<byte> path)
    {
        int length = Append("/proc/"u8, path, 0);
        length = Append(pid, path, length);
        length = Append("/"u8, path, length);
        return Append(file, path, length);
    }

    private static int Append(ReadOnlySpan<byte> text, Span<byte> path, int length)
    {
        text.CopyTo(path[length..]);
        return length + text.Length;
    }

    private static int Append(int number, Span<byte> path, int length)
    {
        bool fits = Utf8Formatter.TryFormat(number, path[length..], out int written);
        Debug.Assert(fits, "A number has at most eleven characters.");
        return length + written;
    }

    private static int EndWithZero(Span<byte> path, int length)
    {
        path[length] = 0;
        return length + 1;
    }
}
