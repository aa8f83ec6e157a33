namespace Allot.Maps;

/// <summary>How the memory of elements grows: by segments, each a quarter of what there is already.</summary>
/// <param name="ElementBytes">A multiple of 8.</param>
/// <param name="ElementsMax">The most elements.</param>
internal sealed record PoolShape(long ElementBytes, long ElementsMax)
{
    private const long SegmentBytesMin = 4096;

    /// <summary>The most that there can ever be.</summary>
    public Int128 MostBytes
    {
        get
        {
            Int128 sum = 0;
            for (long elements = 0; elements < ElementsMax;)
            {
                long more = SegmentElements(elements);
                sum += MapMemory.ChargeOf(MemlockFormulas.Limited((Int128)more * ElementBytes));
                elements += more;
            }

            return sum;
        }
    }

    /// <summary>The elements of the next segment, after so many.</summary>
    public long SegmentElements(long before)
    {
        long first = Math.Max(1, SegmentBytesMin / ElementBytes);
        return Math.Min(Math.Max(first, before / 4), ElementsMax - before);
    }
}
