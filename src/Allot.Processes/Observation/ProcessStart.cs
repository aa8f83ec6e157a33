using System.Buffers.Text;

namespace Allot.Processes.Observation;

/// <summary>
/// A process, told apart from a later one with the same pid by the moment it started. That moment is the 22nd field of
/// /proc/PID/stat, in clock ticks since boot: pids do not come round within one tick (10 ms).
/// </summary>
internal readonly record struct ProcessStart(int Pid, int ParentId, ulong StartTicks)
{
    /// <summary>Reads without allocating. False when the process is gone.</summary>
    internal static bool TryRead(int pid, out ProcessStart start)
    {
        start = default;
        return ProcFiles.ReadStart(pid, "stat"u8, out ReadOnlySpan<byte> text) > 0 && TryParse(pid, text, out start);
    }

    /// <summary>Whether the same process still exists (it may be a zombie) under this pid.</summary>
    internal bool IsStillThere() => TryRead(Pid, out ProcessStart now) && now.StartTicks == StartTicks;

    /// <remarks>
    /// The second field is the command name in parentheses, which may itself hold spaces, parentheses and line feeds;
    /// nothing after it can, so the last closing parenthesis ends it.
    /// </remarks>
    internal static bool TryParse(int pid, ReadOnlySpan<byte> stat, out ProcessStart start)
    {
        const int ParentField = 4, StartField = 22, FirstAfterName = 3;
        start = default;
        int nameEnd = stat.LastIndexOf((byte)')');
        if (nameEnd < 0 || nameEnd + 2 >= stat.Length) return false;
        ReadOnlySpan<byte> rest = stat[(nameEnd + 2)..];
        int parent = 0;
        for (int field = FirstAfterName; field < StartField; field++)
        {
            if (field == ParentField && !Utf8Parser.TryParse(rest, out parent, out _)) return false;
            int space = rest.IndexOf((byte)' ');
            if (space < 0) return false;
            rest = rest[(space + 1)..];
        }
        if (!Utf8Parser.TryParse(rest, out ulong ticks, out _)) return false;
        start = new ProcessStart(pid, parent, ticks);
        return true;
    }
}
