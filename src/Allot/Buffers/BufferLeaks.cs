namespace Allot;

/// <summary>Buffers that nobody has disposed: found by the collector, freed, and counted here. Their groups have paid
/// for them until then.</summary>
/// <remarks>While <see cref="AllocationChecks"/> are on, each place that leaks is reported once, with its stack.
/// </remarks>
public static class BufferLeaks
{
    private static long s_count, s_bytes;

    /// <summary>Buffers so far.</summary>
    public static long Count => Volatile.Read(ref s_count);

    /// <summary>Bytes that were charged for them.</summary>
    public static long Bytes => Volatile.Read(ref s_bytes);

    internal static void Note(BufferBlock leaked)
    {
        Interlocked.Increment(ref s_count);
        Interlocked.Add(ref s_bytes, leaked.Bytes);
        if (leaked.Origin is not { } origin) return;
        AllocationChecks.Report(new AllocationReport(
            AllocationReportKind.LeakedBuffer,
            $"A buffer of {leaked.Bytes} bytes, charged to '{origin.Group.Path}', was not disposed. The collector has "
            + "freed it; until then the group has paid for it.",
            origin.Place.ToString(),
            SecondStack: ""));
    }
}
