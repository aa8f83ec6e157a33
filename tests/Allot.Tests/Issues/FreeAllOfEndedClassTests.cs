using Allot.Tests.Slabs;

namespace Allot.Tests.Issues;

/// <summary>Who frees all that a group has, while the group is removed and its last slab goes, frees nothing of the
/// group that gets the place next.</summary>
public sealed unsafe class FreeAllOfEndedClassTests : IDisposable
{
    private SlabFixture? _slabs;

    public void Dispose() => _slabs?.Dispose();

    [Theory]
    [InlineData(false), InlineData(true)]
    public void What_the_next_group_has_stays_in_use(bool isChecked)
    {
        _slabs = new SlabFixture(isChecked: isChecked);
        SlabAllocator slabs = _slabs.Slabs;
        var cache = new ObjectCache<long>(slabs, "longs", new() { HasPrivateSlabs = true }, constructor: null);
        long* first = cache.Allocate(_slabs.A);
        SlabClass found = ClassOf(slabs, "longs");   // as FreeAll finds it
        cache.Free(first);
        if (isChecked) slabs.Trim(all: true);
        _slabs.A.Remove();
        long* second = cache.Allocate(_slabs.B);
        SlabClass next = ClassOf(slabs, "longs");
        Assert.NotSame(found, next);
        Assert.Equal(found.Index, next.Index);
        Assert.Equal(0, slabs.FreeAll(found));
        Assert.Equal(1, slabs.Validate());
        Assert.Equal(cache.ObjectBytes, _slabs.B.Memory.CurrentBytes);
        cache.Free(second);
        Assert.Equal(0, _slabs.Root.Memory.CurrentBytes);
    }

    private static SlabClass ClassOf(SlabAllocator slabs, string cache)
    {
        for (uint i = 0; slabs.TryClassOf(i) is { } one; i++)
        {
            if (one.Cache?.Name == cache) return one;
        }

        throw new InvalidOperationException("The cache has no class.");
    }
}
