namespace Allot;

/// <summary>Sets of addresses, as ascending ranges that do not overlap.</summary>
internal static class RangeSets
{
    /// <summary>What is in the first set and not in the second.</summary>
    public static List<PageRange> Subtract(IReadOnlyList<PageRange> first, IReadOnlyList<PageRange> second)
    {
        List<PageRange> rest = [];
        int next = 0;
        foreach (PageRange range in first)
        {
            nuint from = range.Start;
            while (next < second.Count && second[next].End <= from) next++;
            for (int i = next; i < second.Count && second[i].Start < range.End; i++)
            {
                if (second[i].Start > from) rest.Add(new PageRange(from, second[i].Start));
                from = second[i].End;
            }

            if (from < range.End) rest.Add(new PageRange(from, range.End));
        }

        return rest;
    }
}
