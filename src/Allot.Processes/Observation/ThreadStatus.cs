using System.Buffers.Text;
using Allot.Processes.Native;

namespace Allot.Processes.Observation;

internal enum ThreadActivity
{
    /// <summary>
    /// Not sleeping when the kernel looked. It may be in user mode, on the way into or out of a call, or in the middle
    /// of a call that keeps a processor busy: "running" therefore never proves that a call has finished.
    /// </summary>
    Running,

    /// <summary>Asleep inside the call that <see cref="ThreadStatus.Call"/> names. This is also the state of a thread
    /// that waits for the answer of a seccomp listener.</summary>
    BlockedInCall,

    /// <summary>Asleep, but not in a call: stopped, in a page fault, or dead and not yet reaped.</summary>
    BlockedElsewhere,

    /// <summary>The kernel refuses to tell (EPERM, EACCES), or was built without this file.</summary>
    Unknown,
}

/// <summary>What one thread is doing, from /proc/TID/syscall.</summary>
internal readonly record struct ThreadStatus
{
    internal ThreadActivity Activity { get; private init; }

    /// <summary>The number of the call, and its six arguments, as the thread's registers held them at the
    /// entry.</summary>
    internal long Call { get; private init; }
    internal ulong Argument0 { get; private init; }
    internal ulong Argument1 { get; private init; }
    internal ulong Argument2 { get; private init; }
    internal ulong Argument3 { get; private init; }
    internal ulong Argument4 { get; private init; }
    internal ulong Argument5 { get; private init; }

    internal bool IsBlockedIn(long call) => Activity == ThreadActivity.BlockedInCall && Call == call;

    /// <summary>
    /// Reads without allocating. False when the thread is gone. Needs the right to trace the thread (root, or a
    /// descendant of ours that is not set-user-id); without it the result is <see cref="ThreadActivity.Unknown"/>.
    /// </summary>
    internal static bool TryRead(int threadId, out ThreadStatus state)
    {
        state = new ThreadStatus { Activity = ThreadActivity.Unknown };
        int length = ProcFiles.ReadStart(threadId, "syscall"u8, out ReadOnlySpan<byte> text);
        // A kernel without the file says ENOENT too: then the directory is still there.
        if (length == -Errno.ENOENT) return ProcessStart.TryRead(threadId, out _);
        if (length is 0 or -Errno.ESRCH) return false;
        if (length > 0) state = Parse(text);
        return true;
    }

    internal static ThreadStatus Parse(ReadOnlySpan<byte> text)
    {
        if (text.StartsWith("running"u8)) return new ThreadStatus { Activity = ThreadActivity.Running };
        if (!Utf8Parser.TryParse(text, out long call, out int used))
            return new ThreadStatus { Activity = ThreadActivity.Unknown };
        if (call < 0) return new ThreadStatus { Activity = ThreadActivity.BlockedElsewhere };
        text = text[used..];
        return new ThreadStatus
        {
            Activity = ThreadActivity.BlockedInCall,
            Call = call,
            Argument0 = NextHex(ref text),
            Argument1 = NextHex(ref text),
            Argument2 = NextHex(ref text),
            Argument3 = NextHex(ref text),
            Argument4 = NextHex(ref text),
            Argument5 = NextHex(ref text),
        };
    }

    private static ulong NextHex(ref ReadOnlySpan<byte> text)
    {
        int prefix = text.IndexOf("0x"u8);
        if (prefix < 0) return 0;
        text = text[(prefix + 2)..];
        if (!Utf8Parser.TryParse(text, out ulong value, out int used, 'x')) return 0;
        text = text[used..];
        return value;
    }
}
