using Allot.Tests.Slabs;

namespace Allot.Tests.Issues;

/// <summary>After all is freed, less than a twentieth of the peak is left, also where two groups shared the slabs: what
/// said who owns which block goes back too.</summary>
public sealed unsafe class MixedSlabsReturnTests
{
    [Theory]
    [InlineData(8)]
    [InlineData(16)]
    [InlineData(64)]
    public void Of_slabs_of_two_groups_nothing_is_left_but_a_twentieth(int bytes)
    {
        using var slabs = new SlabFixture();
        var blocks = new nint[1_000_000];
        for (int i = 0; i < blocks.Length; i++) blocks[i] = slabs.Allocate(i % 2 == 0 ? slabs.A : slabs.B, bytes);
        long peak = slabs.Slabs.Arena.UsedBytes;
        foreach (nint block in blocks) slabs.Free(block);
        slabs.AssertNothingLeft();
        Assert.InRange(slabs.Slabs.Arena.UsedBytes, 0, peak / 20);
    }
}
