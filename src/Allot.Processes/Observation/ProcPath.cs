using System.Text.Unicode;

namespace Allot.Processes.Observation;

/// <summary>Builds the zero-ended paths of /proc in a caller's stack buffer.</summary>
internal static class ProcPath
{
    /// <summary>Enough for every path built here.</summary>
    internal const int MaxBytes = 64;

    /// <summary>"/proc/PID/file".</summary>
    internal static ReadOnlySpan<byte> Of(int pid, ReadOnlySpan<byte> file, Span<byte> path)
    {
        bool fits = Utf8.TryWrite(path, $"/proc/{pid}/", out int written);
        System.Diagnostics.Debug.Assert(fits, "A pid has at most ten digits.");
        file.CopyTo(path[written..]);
        path[written + file.Length] = 0;
        return path[..(written + file.Length + 1)];
    }

    /// <summary>"/proc/PID/directory/NUMBER", for fd and fdinfo.</summary>
    internal static ReadOnlySpan<byte> Of(int pid, ReadOnlySpan<byte> directory, int number, Span<byte> path)
    {
        int written = Of(pid, directory, path).Length - 1;
        bool fits = Utf8.TryWrite(path[written..], $"/{number}\0", out int more);
        System.Diagnostics.Debug.Assert(fits, "A descriptor number has at most ten digits.");
        return path[..(written + more)];
    }
}
