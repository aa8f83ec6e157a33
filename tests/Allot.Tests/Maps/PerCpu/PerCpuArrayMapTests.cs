using Allot.Maps;
using Allot.Tests.Maps.Lru;

namespace Allot.Tests.Maps.PerCpu;

/// <summary>Arrays of which each processor has its own values, by a type.</summary>
public sealed unsafe class PerCpuArrayMapTests
{
    private static readonly int s_processors = Environment.ProcessorCount;

    [Fact]
    public void Values_of_this_processor_and_of_all_are_those_of_the_map_of_bytes()
    {
        var tree = new TreeOfThree();
        using (var map = new PerCpuArrayMap<Odd>(tree.Leaf, length: 3))
        {
            Assert.Equal((3, s_processors), (map.Count, map.ProcessorCount));
            Assert.Equal(16 * s_processors, map.Map.HostValueBytes);
            Assert.Equal(map.Map.ChargedBytes, tree.Leaf.Kernel.CurrentBytes);
            Odd[] values = Odd.ForEach(s_processors, first: 10);
            Assert.True(map.TrySetAll(1, values));
            Assert.True(map.TryGetValues(1, out PerCpuValues<Odd> all));
            Assert.Equal(values, Odd.All(all));
            uint key = 1;
            for (int i = 0; i < s_processors; i++) Assert.Equal(values[i], *(Odd*)map.Map.LookupOf((byte*)&key, i));

            // As the system call copies them: each rounded up to 8 bytes.
            byte* host = stackalloc byte[16 * s_processors];
            Assert.Equal(0, map.Map.Read((byte*)&key, host));
            for (int i = 0; i < s_processors; i++) Assert.Equal(values[i], *(Odd*)(host + (16 * i)));
            all[s_processors - 1] = Odd.Of(77);
            Assert.Equal(Odd.Of(77), *(Odd*)map.Map.LookupOf((byte*)&key, s_processors - 1));

            // The others are as they were.
            var elements = new List<Odd[]>();
            foreach (PerCpuValues<Odd> element in map) elements.Add(Odd.All(element));
            Assert.Equal(3, elements.Count);
            Assert.All((Odd[])[.. elements[0], .. elements[2]], value => Assert.Equal(default, value));
        }

        Assert.Equal([0, 0, 0], tree.Kernel);
    }

    [Fact]
    public void A_thread_of_one_processor_reads_and_writes_its_value_alone() => PinnedThread.Run(() =>
    {
        using var map = new PerCpuArrayMap<Odd>(new TreeOfThree().Leaf, length: 2);
        Assert.True(map.TrySet(1, Odd.Of(5)));
        Assert.True(map.TryGetValue(1, out Odd value));
        Assert.Equal(Odd.Of(5), value);
        map[1] = Odd.Of(6);
        Assert.Equal(Odd.Of(6), map[1]);
        map.TryGetValues(1, out PerCpuValues<Odd> all);
        Assert.Equal([Odd.Of(6)], Odd.All(all).Where(each => each != default));
    });

    [Fact]
    public void There_is_nothing_beyond_the_last_element_or_processor()
    {
        using var map = new PerCpuArrayMap<Odd>(new TreeOfThree().Leaf, length: 2);
        foreach (long index in (long[])[-1, 2, long.MaxValue, long.MinValue])
        {
            Assert.False(map.TryGetValue(index, out _));
            Assert.False(map.TrySet(index, default));
            Assert.False(map.TrySetAll(index, new Odd[s_processors]));
            Assert.False(map.TryGetValues(index, out PerCpuValues<Odd> none));
            Assert.Equal(0, none.Count);
            Assert.Throws<ArgumentOutOfRangeException>(() => map[index]);
        }

        Assert.Throws<ArgumentOutOfRangeException>(() =>
        {
            map.TryGetValues(0, out PerCpuValues<Odd> values);
            _ = values[s_processors];
        });
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = default(PerCpuValues<Odd>)[0]);
        foreach (int wrong in (int[])[0, s_processors - 1, s_processors + 1])
        {
            Assert.Throws<ArgumentException>("values", () => map.TrySetAll(0, new Odd[wrong]));
        }
    }

    [Fact]
    public void Sums_of_8_threads_lose_nothing()
    {
        using var map = new PerCpuArrayMap<long>(new TreeOfThree().Leaf, length: 2);
        Crew.Run(threads: 8, _ =>
        {
            for (int i = 0; i < 10_000; i++) Interlocked.Increment(ref map[1]);
        });
        long sum = 0;
        map.TryGetValues(1, out PerCpuValues<long> values);
        foreach (long value in values) sum += value;
        Assert.Equal(80_000, sum);
    }

    [Fact]
    public void Nothing_is_allocated_on_use()
    {
        using var map = new PerCpuArrayMap<Odd>(new TreeOfThree().Leaf, length: 20);
        var values = new Odd[s_processors];
        long sum = 0;
        Use();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Use();
        long after = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(before, after);
        Assert.True(sum > 0);

        void Use()
        {
            for (int index = 0; index < 20; index++)
            {
                map.TrySet(index, Odd.Of(index));
                map[index] = Odd.Of(index + 1);
                map.TryGetValue(index, out _);
                map.TryGetValues(index, out PerCpuValues<Odd> all);
                foreach (ref Odd value in all) sum += value.First;
                map.TrySetAll(index, values);
            }

            foreach (PerCpuValues<Odd> all in map) sum += all.Count;
        }
    }

    [Fact]
    public void A_limit_that_refuses_the_map_is_named_and_nothing_stays()
    {
        var tree = new TreeOfThree(middle: new() { KernelMaxBytes = (16 * 100 * s_processors) - 1 });
        var refused = Assert.Throws<MemoryLimitExceededException>(() => new PerCpuArrayMap<Odd>(tree.Leaf, 100));
        Assert.Same(tree.Middle, refused.Refusal.Limiter);
        Assert.Equal([0, 0, 0], tree.Kernel);
        Assert.Throws<MapRefusedException>(() => new PerCpuArrayMap<Odd>(tree.Leaf, 0));
    }

    [Fact]
    public void A_map_of_other_sizes_is_no_map_by_this_type()
    {
        using var map = new PerCpuArrayMap<Odd>(new TreeOfThree().Leaf, length: 2);
        Assert.Throws<ArgumentException>(() => new PerCpuArrayMap<long>(map.Map));
        Assert.Equal(2, new PerCpuArrayMap<Odd>(map.Map).Count);
    }
}
