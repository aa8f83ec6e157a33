namespace Allot.Tests.Slabs;

/// <summary>Every size has the smallest class that it fits in.</summary>
public sealed class SizeClassTests
{
    [Fact]
    public void Classes_grow_from_8_bytes_and_the_others_are_multiples_of_16()
    {
        Assert.Equal(8, SizeClasses.BytesOf(0));
        Assert.Equal(SizeClasses.LargestBytes, SizeClasses.BytesOf(SizeClasses.Count - 1));
        for (int i = 0; i < SizeClasses.Count; i++)
        {
            if (i > 0) Assert.Equal(0, SizeClasses.BytesOf(i) % 16);
            if (i > 0) Assert.True(SizeClasses.BytesOf(i) > SizeClasses.BytesOf(i - 1));
        }
    }

    [Fact]
    public void Every_size_has_the_smallest_class_that_it_fits_in()
    {
        int expected = 0;
        for (int bytes = 0; bytes <= SizeClasses.LargestBytes; bytes++)
        {
            while (SizeClasses.BytesOf(expected) < bytes) expected++;
            Assert.Equal(expected, SizeClasses.IndexOf((nuint)bytes));
        }
    }

    [Fact]
    public void Above_128_bytes_at_most_a_fifth_is_lost()
    {
        for (int bytes = 129; bytes <= SizeClasses.LargestBytes; bytes++)
        {
            int block = SizeClasses.BytesOf(SizeClasses.IndexOf((nuint)bytes));
            Assert.True(block - bytes <= block / 5, $"{bytes} bytes take a block of {block}.");
        }
    }

    [Fact]
    public unsafe void A_unit_is_two_lines_of_the_cache_and_a_bin_half_of_one()
    {
        Assert.Equal(SlabUnit.SizeInBytes, sizeof(SlabUnit));
        Assert.Equal(64, (int)System.Runtime.InteropServices.Marshal.OffsetOf<SlabUnit>(nameof(SlabUnit.FreeHead)));
        Assert.Equal(SlabBin.SizeInBytes, sizeof(SlabBin));
        Assert.Equal(64, sizeof(ReserveSlot));
    }

    [Fact]
    public unsafe void Every_block_of_every_class_has_its_index_and_no_other_address_has_one()
    {
        using var slabs = new SlabFixture();
        for (int i = 0; i < SizeClasses.Count; i++)
        {
            SlabClass one = slabs.Slabs.ClassOf((uint)i);
            SlabUnit* span = slabs.Slabs.TryMakeSpan(one);
            int blocks = 0;
            for (int unit = 0; unit < one.UnitsPerSpan; unit++)
            {
                for (int block = 0; block < span[unit].BlockCount; block++, blocks++)
                {
                    nint address = span->SpanStart + ((nint)blocks * one.BlockBytes);
                    Assert.Equal(unit, (int)((address - span->SpanStart) >> PageArena.UnitShift));
                    Assert.Equal(block, ThreadHeap.IndexInUnit(span + unit, (byte*)address));
                }
            }

            Assert.Equal(one.BlocksInSpan, blocks);
            for (uint at = 0; at < one.UnitsPerSpan << PageArena.UnitShift; at += 8)
            {
                Assert.Equal(at % one.BlockBytes == 0, at * span->Inverse < span->Inverse);
            }
        }
    }
}
