namespace Allot.Processes.Observation;

/// <summary>Addresses from <paramref name="Start"/> up to, not including, <paramref name="End"/>.</summary>
internal readonly record struct AddressRange(ulong Start, ulong End)
{
    /// <summary>Every address there is.</summary>
    internal static AddressRange Everything { get; } = new(0, long.MaxValue);

    /// <summary>At most <see cref="long.MaxValue"/>: arguments of a call may span more than a long can say.</summary>
    internal long LengthBytes => End <= Start ? 0 : (long)Math.Min(End - Start, long.MaxValue);

    /// <summary>The whole pages that the kernel locks for (address, length): the first byte's page to the last
    /// byte's.</summary>
    /// <remarks>Empty when the length is 0, and when the sum wraps, which the kernel refuses.</remarks>
    internal static AddressRange WholePages(ulong address, ulong lengthBytes)
    {
        ulong mask = (ulong)Environment.SystemPageSize - 1;
        if (lengthBytes == 0) return default;
        ulong end = unchecked(address + lengthBytes + mask);
        return end < address ? default : new AddressRange(address & ~mask, end & ~mask);
    }
}
