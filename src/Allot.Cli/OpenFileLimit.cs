// With too few open files the runtime cannot even load the assemblies that would say so: what stands here uses nothing
// but the core of the runtime, which has started already.

using System.Buffers.Text;
using System.Runtime.InteropServices;

namespace Allot.Cli;

/// <summary>The limit of open files under which Allot cannot run a command.</summary>
internal static unsafe partial class OpenFileLimit
{
    /// <summary>What the runtime, the supervisor and the start of a launcher need at the most, and some room.</summary>
    public const int FilesMin = 64;

    private const int OpenFiles = 7;   // RLIMIT_NOFILE
    private const int StandardError = 2;

    /// <summary>False, after saying so, when the limit is too low.</summary>
    public static bool IsEnough()
    {
        // The runtime has raised the soft limit to the hard one.
        Limit limit;
        if (GetLimit(OpenFiles, &limit) < 0 || limit.Soft >= FilesMin) return true;
        Span<byte> number = stackalloc byte[20];
        Utf8Formatter.TryFormat(limit.Soft, number, out int digits);
        Say("allot: the limit of open files is "u8);
        Say(number[..digits]);
        Say(", and Allot needs 64: raise it ('ulimit -n 64'; root may raise the hard limit too).\n"u8);
        return false;
    }

    private static void Say(ReadOnlySpan<byte> text)
    {
        fixed (byte* bytes = text) _ = Write(StandardError, bytes, (nuint)text.Length);
    }

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int GetLimit(int resource, Limit* limit);

    [LibraryImport("libc", EntryPoint = "write")]
    private static partial nint Write(int fd, byte* bytes, nuint length);

    [StructLayout(LayoutKind.Sequential)]
    private struct Limit
    {
        public ulong Soft;
        public ulong Hard;
    }
}
