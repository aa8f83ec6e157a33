namespace Allot.Maps;

/// <summary>The bytes that a map is charged, as its type foretells them.</summary>
/// <param name="CreatedBytes">At its creation, exactly.</param>
/// <param name="MostBytes">Ever.</param>
internal readonly record struct MapFootprint(long CreatedBytes, long MostBytes)
{
    /// <summary>Of a map that allocates these blocks when it is made, and nothing later.</summary>
    public static MapFootprint Fixed(params ReadOnlySpan<Int128> blockBytes)
    {
        Int128 sum = 0;
        foreach (Int128 bytes in blockBytes) sum += MapMemory.ChargeOf(MemlockFormulas.Limited(bytes));
        long limited = MemlockFormulas.Limited(sum);
        return new MapFootprint(limited, limited);
    }

    /// <summary>Of a map that only holds so much.</summary>
    public static MapFootprint Held(Int128 bytes)
    {
        long limited = MemlockFormulas.Limited(bytes);
        return new MapFootprint(limited, limited);
    }
}
