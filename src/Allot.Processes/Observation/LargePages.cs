// Pinning a byte of a large page pins all of it. Which pages of a process are large is known only page by page; smaps
// tells how much of each mapping is, which is enough for an upper bound. The kernel walks the page tables for that
// file: milliseconds for a process of gigabytes.

using System.Buffers.Text;
using System.Globalization;

namespace Allot.Processes.Observation;

internal static class LargePages
{
    private const string SizeFile = "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size";

    /// <summary>The size of a large page: 2 MiB, but for unusual kernels of arm64.</summary>
    internal static long SizeBytes { get; } = ReadSize();

    /// <summary>Bytes in large pages of all mappings that overlap the range; 0 also when they cannot be read.</summary>
    internal static long BytesOfMappingsIn(int pid, AddressRange range)
    {
        Span<byte> path = stackalloc byte[ProcPath.MaxBytes];
        int file = ProcFiles.Open(ProcPath.Of(pid, "smaps"u8, path));
        if (file < 0) return 0;
        try
        {
            return Parse(new LineReader(file, ProcFiles.FileBuffer), range);
        }
        finally
        {
            ProcFiles.Close(file);
        }
    }

    private static long Parse(LineReader lines, AddressRange range)
    {
        long bytes = 0;
        bool overlaps = false;
        while (lines.TryRead(out ReadOnlySpan<byte> line))
        {
            if (LockedRanges.TryParseHeader(line, out AddressRange mapping))
            {
                overlaps = mapping.Start < range.End && range.Start < mapping.End;
            }
            else if (overlaps && IsOfLargePages(line))
            {
                ReadOnlySpan<byte> value = line[(line.IndexOf((byte)':') + 1)..].TrimStart((byte)' ');
                if (Utf8Parser.TryParse(value, out long kibibytes, out _)) bytes += kibibytes * 1024;
            }
        }

        return bytes;
    }

    private static bool IsOfLargePages(ReadOnlySpan<byte> line) =>
        line.StartsWith("AnonHugePages:"u8) || line.StartsWith("ShmemPmdMapped:"u8)
        || line.StartsWith("FilePmdMapped:"u8) || line.StartsWith("Shared_Hugetlb:"u8)
        || line.StartsWith("Private_Hugetlb:"u8);

    private static long ReadSize()
    {
        const long Usual = 2 << 20;
        try
        {
            return long.Parse(File.ReadAllText(SizeFile), CultureInfo.InvariantCulture);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or FormatException)
        {
            return Usual;   // a kernel without such pages
        }
    }
}
