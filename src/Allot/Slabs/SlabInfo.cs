// The columns and their order are those of /proc/slabinfo, version 2.1. Our pages are the kernel's smallest, 4 KiB.

using System.Globalization;
using System.Text;

namespace Allot;

/// <summary>The caches of the process as a text, in the form of <c>/proc/slabinfo</c>: a line for each
/// <see cref="ObjectCache{T}"/> that has objects, and for each size of blocks (<c>allot-64</c>).</summary>
public static class SlabInfo
{
    private const int PageBytes = 4096;

    /// <summary>All groups added up.</summary>
    public static string Read() => Read(GroupMemory.Shared, group: null);

    /// <summary>What one group has, of its user memory and its kernel memory. Looks at every slab.</summary>
    /// <param name="group">The group; what its descendants have is not counted.</param>
    public static string Read(MemoryGroup group)
    {
        ArgumentNullException.ThrowIfNull(group);
        return Read(GroupMemory.Shared, group);
    }

    internal static string Read(SlabAllocator allocator, MemoryGroup? group)
    {
        var text = new StringBuilder("slabinfo - version: 2.1\n");
        text.Append("# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>");
        text.Append(" : tunables <limit> <batchcount> <sharedfactor>");
        text.Append(" : slabdata <active_slabs> <num_slabs> <sharedavail>\n");
        foreach (SlabInfoLine line in allocator.ReadInfo(group))
        {
            text.AppendLine(
                CultureInfo.InvariantCulture,
                $"{line.Name,-17} {line.Active,6} {line.Total,6} {line.BlockBytes,6} {line.BlocksPerSlab,4} "
                + $"{line.SlabBytes / PageBytes,4} : tunables {line.Limit,4} {line.Batch,4} {line.Batches,4} "
                + $": slabdata {line.Slabs,6} {line.Slabs,6} {line.Between,6}");
        }

        return text.Replace("\r\n", "\n").ToString();
    }
}
