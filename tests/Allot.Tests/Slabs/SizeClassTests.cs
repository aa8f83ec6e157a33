namespace Allot.Tests.Slabs;

/// <summary>Every size has the smallest class that it fits in.</summary>
public sealed class SizeClassTests
{
    [Fact]
    public void Classes_grow_and_are_multiples_of_16()
    {
        Assert.Equal(SizeClasses.SmallestBytes, SizeClasses.BytesOf(0));
        Assert.Equal(SizeClasses.LargestBytes, SizeClasses.BytesOf(SizeClasses.Count - 1));
        for (int i = 0; i < SizeClasses.Count; i++)
        {
            Assert.Equal(0, SizeClasses.BytesOf(i) % 16);
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
}
