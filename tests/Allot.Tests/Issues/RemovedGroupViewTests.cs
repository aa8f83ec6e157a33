using Allot.Tests.Slabs;

namespace Allot.Tests.Issues;

/// <summary>Objects that are in use are in the view of somebody: of the group they were allocated for, or of its heir,
/// who pays.</summary>
public sealed unsafe class RemovedGroupViewTests
{
    [Fact]
    public void What_a_removed_group_has_left_in_use_is_still_shown_once_the_group_is_retired()
    {
        using var slabs = new SlabFixture();
        var cache = new ObjectCache<long>(slabs.Slabs, "c", options: null, constructor: null);
        MemoryGroup group = slabs.Root.CreateChild("x");
        List<nint> objects = [];
        for (int i = 0; i < 100; i++) objects.Add((nint)cache.Allocate(group));
        group.Remove();
        long before = Shown();
        slabs.Slabs.ForgetRemovedGroups(all: true);
        long after = Shown();
        foreach (nint one in objects) cache.Free((long*)one);
        Assert.Equal((100, 100), (before, after));

        long Shown() =>
            cache.ReadStatistics(group).ActiveObjects + cache.ReadStatistics(slabs.Root).ActiveObjects;
    }
}
