namespace Allot;

/// <summary>Addresses of whole pages from <paramref name="Start"/> up to, not including,
/// <paramref name="End"/>.</summary>
internal readonly record struct PageRange(nuint Start, nuint End)
{
    public long Bytes => (long)(End - Start);

    /// <summary>The whole pages that the system locks for an address and a length: that of the first byte to that of
    /// the last. Nothing for a length of 0.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative, or the range ends beyond the address
    /// space.</exception>
    public static PageRange Of(nint address, long bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        nuint mask = (nuint)Environment.SystemPageSize - 1;
        nuint start = (nuint)address & ~mask;
        if (bytes == 0) return new PageRange(start, start);
        nuint last = unchecked((nuint)address + (nuint)bytes - 1);
        bool wraps = last < (nuint)address || last > nuint.MaxValue - mask - 1;
        if (wraps) throw new ArgumentOutOfRangeException(nameof(bytes), bytes, "It ends beyond the address space.");
        return new PageRange(start, (last & ~mask) + mask + 1);
    }

    /// <summary>An amount in whole pages.</summary>
    public static long RoundUp(long bytes)
    {
        long mask = Environment.SystemPageSize - 1;
        return (bytes + mask) & ~mask;
    }

    public bool Overlaps(PageRange other) => Start < other.End && other.Start < End;

    /// <summary>What both have in common. They overlap.</summary>
    public PageRange Shared(PageRange other) =>
        new(Start > other.Start ? Start : other.Start, End < other.End ? End : other.End);
}
