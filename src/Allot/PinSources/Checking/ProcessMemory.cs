// What the kernel says of the memory of this process. It answers in text: see proc(5).

using System.Globalization;

namespace Allot;

internal static class ProcessMemory
{
    private static readonly char[] s_blanks = [' ', '\t'];

    /// <summary>The locked and the pinned bytes of the process: VmLck and VmPin.</summary>
    public static (long LockedBytes, long PinnedBytes) ReadHeld()
    {
        long locked = 0, pinned = 0;
        foreach (string line in File.ReadLines("/proc/self/status"))
        {
            if (line.StartsWith("VmLck:", StringComparison.Ordinal)) locked = Kibibytes(line);
            if (line.StartsWith("VmPin:", StringComparison.Ordinal)) pinned = Kibibytes(line);
        }

        return (locked, pinned);
    }

    /// <summary>The locked mappings, ascending. The kernel walks all page tables for it: milliseconds for a process of
    /// gigabytes.</summary>
    public static List<PageRange> ReadLockedRanges()
    {
        List<PageRange> ranges = [];
        PageRange current = default;
        foreach (string line in File.ReadLines("/proc/self/smaps"))
        {
            if (TryParseHeader(line, out PageRange header)) current = header;
            else if (HasLockedFlag(line)) ranges.Add(current);
        }

        return ranges;
    }

    /// <summary>All mappings, ascending.</summary>
    public static List<PageRange> ReadMappedRanges()
    {
        List<PageRange> ranges = [];
        foreach (string line in File.ReadLines("/proc/self/maps"))
        {
            if (TryParseHeader(line, out PageRange range)) ranges.Add(range);
        }

        return ranges;
    }

    // "7f2d92f0f000-7f2d92f10000 rw-p ...": lower-case hexadecimal, where every other line starts upper-case.
    internal static bool TryParseHeader(string line, out PageRange range)
    {
        range = default;
        int dash = line.IndexOf('-', StringComparison.Ordinal), blank = line.IndexOf(' ', StringComparison.Ordinal);
        if (dash < 0 || blank < dash) return false;
        if (!TryParse(line.AsSpan(0, dash), out nuint start)) return false;
        if (!TryParse(line.AsSpan(dash + 1, blank - dash - 1), out nuint end)) return false;
        range = new PageRange(start, end);
        return true;

        static bool TryParse(ReadOnlySpan<char> text, out nuint address) =>
            nuint.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out address);
    }

    private static bool HasLockedFlag(string line) =>
        line.StartsWith("VmFlags:", StringComparison.Ordinal)
        && line.Split(s_blanks, StringSplitOptions.RemoveEmptyEntries).Contains("lo");

    private static long Kibibytes(string line) => 1024 * long.Parse(
        line.Split(s_blanks, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
}
