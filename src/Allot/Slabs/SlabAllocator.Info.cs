using System.Globalization;

namespace Allot;

internal sealed unsafe partial class SlabAllocator
{
    /// <summary>A line for each cache and size that has blocks; the classes of a cache are added up.</summary>
    /// <param name="group">Only its blocks, and the slabs that are its own; null for those of all.</param>
    public List<SlabInfoLine> ReadInfo(MemoryGroup? group)
    {
        long[]? owned = group is null ? null : CountOf(group);
        Dictionary<object, SlabInfoLine> lines = [];
        List<object> order = [];
        int classes = Volatile.Read(ref _classCount);
        for (uint i = 0; i < classes; i++)
        {
            SlabClass one = ClassOf(i);
            SlabClassCounts counts = one.ReadCounts();
            long active = owned is null ? ActiveIn(one, counts) : i < owned.Length ? owned[i] : 0;
            bool areListed = group is null || one.Cache?.PrivateOf(group) == one;   // the slabs: of all, or its own
            if (active == 0 && !(areListed && counts.Spans > 0)) continue;
            object part = (object?)one.Cache ?? one;
            if (lines.TryGetValue(part, out SlabInfoLine line)) order.Remove(part);
            else line = LineOf(one);
            order.Add(part);
            lines[part] = line with
            {
                Active = line.Active + active,
                Total = line.Total + (areListed ? counts.Capacity : active),
                Slabs = line.Slabs + (areListed ? counts.Spans : 0),
                Between = line.Between + (areListed ? counts.Free : 0),
            };
        }

        return [.. order.Select(part => lines[part])];
    }

    /// <summary>Blocks of a class that are in use.</summary>
    public long ActiveIn(SlabClass one, SlabClassCounts counts) =>
        Math.Max(0, counts.Carved - counts.Free - CountInBins((uint)one.Index)
            - (Checker?.CountKept((uint)one.Index) ?? 0));

    private long[] CountOf(MemoryGroup group)
    {
        long[] user = CountByClass(_owners.Find(group, MemoryKind.User));
        long[] kernel = CountByClass(_owners.Find(group, MemoryKind.Kernel));
        for (int i = 0; i < Math.Min(user.Length, kernel.Length) - 1; i++) user[i] += kernel[i];
        return user[..^1];
    }

    private static SlabInfoLine LineOf(SlabClass one) => new(NameOf(one), 0, 0, one.BlockBytes)
    {
        BlocksPerSlab = one.BlocksInSpan,
        SlabBytes = (long)one.UnitsPerSpan << PageArena.UnitShift,
        Limit = 2 * one.Batch,
        Batch = one.Batch,
        Batches = one.Tuning.Batches,
    };

    // One word, whatever people call their caches.
    private static string NameOf(SlabClass one) => one.Cache is { } cache
        ? string.Concat(cache.Name.Select(static letter => char.IsWhiteSpace(letter) ? '_' : letter))
        : string.Create(CultureInfo.InvariantCulture, $"allot-{one.BlockBytes}");
}
