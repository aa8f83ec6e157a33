using System.Runtime.CompilerServices;
using Allot.Maps;
using Allot.Tests.Maps.Lru;

namespace Allot.Tests.Maps.PerCpu;

/// <summary>Hashes of which each processor has its own values, by types, with all memory from the start or with each
/// element.</summary>
public sealed unsafe class PerCpuHashMapTests
{
    private static readonly int s_processors = Environment.ProcessorCount;

    [Theory]
    [InlineData(0u)]
    [InlineData(MapFlags.NoPreallocation)]
    public void Values_of_all_processors_are_those_of_the_map_of_bytes(uint flags)
    {
        var tree = new TreeOfThree();
        using (var map = new PerCpuHashMap<long, Odd>(tree.Leaf, capacity: 2, flags))
        {
            long key = 7;
            Odd[] values = Odd.ForEach(s_processors, first: 10), copy = new Odd[s_processors];
            Assert.False(map.TryReplaceAll(key, values));
            Assert.False(map.TryGetValues(key, out PerCpuValues<Odd> all));
            Assert.Equal(0, all.Count);
            Assert.False(map.TryCopyValues(key, copy));
            Assert.True(map.TryAddAll(key, values));
            Assert.False(map.TryAddAll(key, values));
            Assert.True(map.TryCopyValues(key, copy));
            Assert.Equal(values, copy);
            Assert.True(map.TryGetValues(key, out all));
            Assert.Equal(values, Odd.All(all));
            for (int i = 0; i < s_processors; i++) Assert.Equal(values[i], *(Odd*)map.Map.LookupOf((byte*)&key, i));
            byte* host = stackalloc byte[16 * s_processors];
            Assert.Equal(0, map.Map.Read((byte*)&key, host));
            for (int i = 0; i < s_processors; i++) Assert.Equal(values[i], *(Odd*)(host + (16 * i)));
            all[s_processors - 1] = Odd.Of(77);
            map.TryCopyValues(key, copy);
            Assert.Equal(Odd.Of(77), copy[^1]);
            Assert.True(map.TryReplaceAll(key, values));
            Assert.True(map.TrySetAll(8, values));
            Assert.False(map.TrySetAll(9, values));   // full
            Assert.Equal((2, 2), (map.Count, map.Capacity));
            map.Map.Validate();

            var seen = new Dictionary<long, Odd[]>();
            foreach ((long each, PerCpuValues<Odd> of) in map) seen.Add(each, Odd.All(of));
            Assert.Equal([7, 8], seen.Keys.Order());
            Assert.All(seen.Values, of => Assert.Equal(values, of));

            copy.AsSpan().Clear();
            Assert.True(map.TryRemove(8, copy));
            Assert.Equal(values, copy);
            Assert.False(map.TryRemove(8, copy));
            Assert.True(map.ContainsKey(7));
            Assert.True(map.TryRemove(7));
            Assert.False(map.ContainsKey(7) || map.TryRemove(7));
            Assert.Equal(map.Map.ChargedBytes, tree.Leaf.Kernel.CurrentBytes);
        }

        Assert.Equal([0, 0, 0], tree.Kernel);
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(MapFlags.NoPreallocation)]
    public void A_thread_of_one_processor_adds_zeros_for_the_others_and_writes_its_value_alone(uint flags) =>
        PinnedThread.Run(() =>
        {
            using var map = new PerCpuHashMap<Guid, Odd>(new TreeOfThree().Leaf, capacity: 1, flags);
            Guid key = Guid.NewGuid(), other = Guid.NewGuid();
            Assert.False(map.TryGetValue(key, out Odd value));
            Assert.False(map.TryReplace(key, value));
            Assert.True(Unsafe.IsNullRef(ref map.GetReference(key)));
            Assert.True(map.TrySetAll(other, Odd.ForEach(s_processors, 1)));   // where the other one will be
            Assert.True(map.TryRemove(other));
            Assert.True(map.TryAdd(key, Odd.Of(5)));
            Assert.False(map.TryAdd(key, Odd.Of(6)));
            Assert.True(map.TryGetValue(key, out value));
            Assert.Equal(Odd.Of(5), value);
            Assert.True(map.TryReplace(key, Odd.Of(6)));
            Assert.Equal(Odd.Of(6), map.GetReference(key));
            Assert.True(map.TryGetSpan(key, out Span<Odd> span));
            span[0] = Odd.Of(7);
            map.TryGetValues(key, out PerCpuValues<Odd> all);
            Assert.Equal([Odd.Of(7)], Odd.All(all).Where(each => each != default));
            Assert.False(map.TrySet(other, Odd.Of(1)));
            Assert.False(map.TryGetSpan(other, out span));
            Assert.True(span.IsEmpty);
        });

    [Fact]
    public void Not_as_many_values_as_processors_are_a_mistake_of_the_caller()
    {
        using var map = new PerCpuHashMap<int, Odd>(new TreeOfThree().Leaf, capacity: 2);
        foreach (int wrong in (int[])[0, s_processors - 1, s_processors + 1])
        {
            Assert.Throws<ArgumentException>("values", () => map.TrySetAll(1, new Odd[wrong]));
            if (wrong > s_processors) continue;
            Assert.Throws<ArgumentException>("values", () => map.TryCopyValues(1, new Odd[wrong]));
            Assert.Throws<ArgumentException>("values", () => map.TryRemove(1, new Odd[wrong]));
        }

        Assert.Equal(0, map.Count);
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(MapFlags.NoPreallocation)]
    public void What_is_copied_while_8_threads_write_all_is_of_one_writer(uint flags)
    {
        using var map = new PerCpuHashMap<int, Odd>(new TreeOfThree().Leaf, capacity: 2, flags);
        Crew.Run(threads: 8, thread =>
        {
            var values = new Odd[s_processors];
            for (int i = 0; i < 3000; i++)
            {
                values.AsSpan().Fill(Odd.Of((thread * 100_000) + i));
                Assert.True(map.TrySetAll(1, values));
                Assert.True(map.TryCopyValues(1, values));
                Assert.All(values, value => Assert.Equal(values[0], value));
                Assert.True(map.TryGetValue(1, out Odd value));
                Assert.Equal(Odd.Of(value.First), value);
            }
        });
        map.Map.Validate();
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(MapFlags.NoPreallocation)]
    public void Nothing_is_allocated_on_use(uint flags)
    {
        using var map = new PerCpuHashMap<long, Odd>(new TreeOfThree().Leaf, capacity: 50, flags);
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
            for (int key = 0; key < 60; key++)
            {
                map.TrySet(key, Odd.Of(key));
                map.TryGetValue(key, out _);
                map.TryGetValues(key, out PerCpuValues<Odd> all);
                foreach (ref Odd value in all) sum += value.First;
                map.TrySetAll(key, values);
                map.TryCopyValues(key, values);
                if (key % 2 == 0) map.TryRemove(key, values);
            }

            foreach (PerCpuElement<long, Odd> element in map) sum += element.Key;
        }
    }

    [Fact]
    public void A_limit_that_refuses_an_element_is_named_and_nothing_has_changed()
    {
        var tree = new TreeOfThree();
        using var map = new PerCpuHashMap<long, Odd>(tree.Leaf, capacity: 100_000, MapFlags.NoPreallocation);
        tree.Middle.Kernel.MaxBytes = map.Map.ChargedBytes + 65536;
        var values = new Odd[s_processors];
        long key = 0;
        while (map.TrySetAll(key, values)) key++;
        Assert.Same(tree.Middle, map.Map.LastRefusal.Limiter);
        Assert.Equal(key, map.Count);
        Assert.False(map.ContainsKey(key));
        Assert.False(map.TryAdd(key, default));
        map.Map.Validate();
        Assert.Equal(map.Map.ChargedBytes, tree.Root.Kernel.CurrentBytes);
    }

    [Fact]
    public void A_limit_that_refuses_the_map_is_named_and_nothing_stays()
    {
        var tree = new TreeOfThree(middle: new() { KernelMaxBytes = 1000 });
        var refused = Assert.Throws<MemoryLimitExceededException>(() => new PerCpuHashMap<long, Odd>(tree.Leaf, 100));
        Assert.Same(tree.Middle, refused.Refusal.Limiter);
        Assert.Equal([0, 0, 0], tree.Kernel);
    }

    [Fact]
    public void A_map_of_other_sizes_or_another_type_is_no_map_by_these_types()
    {
        using var map = new PerCpuHashMap<long, long>(new TreeOfThree().Leaf, capacity: 2);
        Assert.Throws<ArgumentException>(() => new PerCpuHashMap<int, long>(map.Map));
        Assert.Throws<ArgumentException>(() => new HashMap<long, long>(map.Map));
        using var ofAll = new HashMap<long, long>(new TreeOfThree().Leaf, capacity: 2);
        Assert.Throws<ArgumentException>(() => new PerCpuHashMap<long, long>(ofAll.Map));
    }
}
