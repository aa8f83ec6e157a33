// Which parts of a process are locked now: the kernel charges mlock only for what was not locked before, so an exact
// charge needs the answer before the call proceeds. The source is /proc/PID/smaps, whose VmFlags line has "lo" for a
// locked mapping. The kernel walks the page tables for that file: milliseconds for a process of gigabytes. Ask only
// when nothing cheaper tells.

using System.Buffers.Text;
using System.Runtime.InteropServices;

namespace Allot.Processes.Observation;

internal static class LockedRanges
{
    /// <summary>
    /// Replaces the contents of <paramref name="ranges"/> by the locked ranges, ascending, neighbours merged. Allocates
    /// only when the list must grow. False when the process is gone or may not be read; then the list is empty.
    /// </summary>
    internal static bool Read(int pid, List<AddressRange> ranges)
    {
        ranges.Clear();
        Span<byte> path = stackalloc byte[ProcPath.MaxBytes];
        int file = ProcFiles.Open(ProcPath.Of(pid, "smaps"u8, path));
        if (file < 0) return false;
        try
        {
            var lines = new LineReader(file, ProcFiles.FileBuffer);
            Parse(ref lines, ranges);
            if (lines.Error == 0) return true;
            ranges.Clear();
            return false;
        }
        finally
        {
            ProcFiles.Close(file);
        }
    }

    /// <summary>The bytes of the whole pages of <paramref name="range"/> that no locked range covers.</summary>
    /// <param name="locked">As <see cref="Read"/> gives them: ascending and not overlapping.</param>
    /// <param name="range">Any range; use <see cref="AddressRange.WholePages"/> for the arguments of a call.</param>
    internal static long UnlockedBytesWithin(List<AddressRange> locked, AddressRange range)
    {
        AddressRange pages = AddressRange.WholePages(range.Start, (ulong)range.LengthBytes);
        long unlocked = pages.LengthBytes;
        foreach (AddressRange part in CollectionsMarshal.AsSpan(locked))
        {
            if (part.Start >= pages.End) break;
            unlocked -= new AddressRange(Math.Max(part.Start, pages.Start), Math.Min(part.End, pages.End)).LengthBytes;
        }
        return unlocked;
    }

    internal static void Parse(ref LineReader lines, List<AddressRange> ranges)
    {
        AddressRange current = default;
        while (lines.TryRead(out ReadOnlySpan<byte> line))
        {
            if (TryParseHeader(line, out AddressRange header)) current = header;
            else if (line.StartsWith("VmFlags:"u8) && HasLockedFlag(line["VmFlags:".Length..])) Append(ranges, current);
        }
    }

    /// <summary>"7f2d92f0f000-7f2d92f10000 rw-p ...": lower-case hexadecimal, where every other line starts
    /// upper-case.</summary>
    internal static bool TryParseHeader(ReadOnlySpan<byte> line, out AddressRange range)
    {
        range = default;
        if (!Utf8Parser.TryParse(line, out ulong start, out int used, 'x')) return false;
        if (used >= line.Length || line[used] != '-') return false;
        if (!Utf8Parser.TryParse(line[(used + 1)..], out ulong end, out _, 'x')) return false;
        range = new AddressRange(start, end);
        return true;
    }

    private static bool HasLockedFlag(ReadOnlySpan<byte> flags)
    {
        while (true)
        {
            flags = flags.TrimStart((byte)' ');
            if (flags.IsEmpty) return false;
            int space = flags.IndexOf((byte)' ');
            ReadOnlySpan<byte> flag = space < 0 ? flags : flags[..space];
            if (flag.SequenceEqual("lo"u8)) return true;
            flags = flags[flag.Length..];
        }
    }

    /// <remarks>The kernel writes the file in pieces. A mapping that has grown together with its neighbour between two
    /// of them comes again, as a whole.</remarks>
    private static void Append(List<AddressRange> ranges, AddressRange range)
    {
        Span<AddressRange> all = CollectionsMarshal.AsSpan(ranges);
        if (all.IsEmpty || all[^1].End < range.Start) ranges.Add(range);
        else if (all[^1].End < range.End) all[^1] = all[^1] with { End = range.End };
    }
}
