using Allot.Testing;

namespace Allot.Tests.Buffers;

public sealed unsafe class GroupArrayTests
{
    private readonly MemoryGroup _group = new MemoryController().Root.CreateChild("g");

    public static TheoryData<ulong> Seeds => [1, 2, 3, 4];

    [Theory, MemberData(nameof(Seeds))]
    public void It_agrees_with_an_array_and_a_refusal_changes_nothing(ulong seed)
    {
        var random = new Prng(seed);
        using var array = new GroupArray<long>(_group, 10);
        long[] model = new long[10];
        int refusals = 0;
        for (int step = 0; step < 500; step++)
        {
            if (random.OneIn(4))
            {
                _group.Memory.MaxBytes = random.OneIn(2) ? _group.Memory.CurrentBytes : MemoryGroup.Unlimited;
                int length = random.OneIn(5) ? random.Below(20_000) : random.Below(300);
                try
                {
                    array.Resize(length);
                    Array.Resize(ref model, length);
                }
                catch (MemoryLimitExceededException)
                {
                    refusals++;
                }
            }
            else if (model.Length > 0)
            {
                int index = random.Below(model.Length);
                array[index] = model[index] = (long)random.Next();
            }

            Assert.Equal((long)model.Length, array.Length);
            Assert.Equal(_group.Memory.CurrentBytes, array.ChargedBytes);
            Assert.True(array.ChargedBytes >= model.Length * sizeof(long), "All of it is paid for.");
            if (step % 10 == 0) Assert.True(array.AsSpan().SequenceEqual(model), "The same elements.");
        }

        Assert.True(refusals > 0, "Refusals happen.");
        array.Dispose();
        Assert.Equal(0, _group.Memory.CurrentBytes);
    }

    [Fact]
    public void It_begins_with_zeros_whatever_was_there()
    {
        for (int i = 0; i < 3; i++)
        {
            using var array = new GroupArray<int>(_group, 1000);
            Assert.Equal(-1, array.AsSpan().IndexOfAnyExcept(0));
            array.AsSpan().Fill(-1);
        }
    }

    [Fact]
    public void It_can_be_fixed_and_taken_in_parts()
    {
        using var array = new GroupArray<int>(_group, 10);
        fixed (int* first = array)
        {
            first[3] = 5;
        }

        Assert.Equal([0, 5, 0], array.AsSpan(2, 3));
        Assert.Equal(5, array[3]);
        Assert.Throws<ArgumentOutOfRangeException>(() => array.AsSpan(8, 3).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => array.AsSpan(-1, 3).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => array.AsSpan(long.MaxValue, 3).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => array[10]);
        Assert.Throws<ArgumentOutOfRangeException>(() => array[-1]);
        array.Resize(0);
        fixed (int* none = array) Assert.True(none == null);
    }

    [Fact]
    public void Lengths_that_no_memory_has_are_refused_before_anything_changes()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new GroupArray<long>(_group, -1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new GroupArray<long>(_group, long.MaxValue));
        using var array = new GroupArray<long>(_group, 1);
        Assert.Throws<ArgumentOutOfRangeException>(() => array.Resize(MemoryGroup.MaxChargeBytes));
        Assert.Throws<InsufficientMemoryException>(() => array.Resize(MemoryGroup.MaxChargeBytes / sizeof(long)));
        Assert.Equal((1L, 8L), (array.Length, _group.Memory.CurrentBytes));
    }

    [Fact]
    public void Disposed_twice_it_is_freed_once_and_used_later_it_throws()
    {
        var array = new GroupArray<int>(_group, 10, MemoryKind.Kernel);
        Assert.Equal(48, _group.Kernel.CurrentBytes);
        Parallel.For(0, 4, _ => array.Dispose());
        Assert.Equal((0L, 0L, 0L), (array.Length, array.ChargedBytes, _group.Kernel.CurrentBytes));
        Assert.Throws<ObjectDisposedException>(() => array[0]);
        Assert.Throws<ObjectDisposedException>(() => array.AsSpan().Length);
        Assert.Throws<ObjectDisposedException>(() => array.Resize(5));
    }
}
