using Allot.Tests.Slabs;

namespace Allot.Tests.Issues;

/// <summary>An address inside of a block is no block, also where the block is large.</summary>
public sealed unsafe class InsideOfLargeBlockTests
{
    [Theory]
    [InlineData(64)]
    [InlineData(1 << 20)]
    public void The_size_of_what_is_inside_of_a_block_is_a_mistake(int bytes)
    {
        using var slabs = new SlabFixture();
        nint block = slabs.Allocate(slabs.A, bytes);
        try
        {
            Assert.Throws<CorruptionException>(() => slabs.Slabs.BytesOf((byte*)block + 16));
        }
        finally
        {
            slabs.Free(block);
        }
    }
}
