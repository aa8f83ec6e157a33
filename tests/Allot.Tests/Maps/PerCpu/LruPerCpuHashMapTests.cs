using System.Runtime.CompilerServices;
using Allot.Maps;
using Allot.Tests.Maps.Lru;

namespace Allot.Tests.Maps.PerCpu;

/// <summary>Caches of which each processor has its own values, by types.</summary>
public sealed unsafe class LruPerCpuHashMapTests
{
    private static readonly int s_processors = Environment.ProcessorCount;

    [Theory]
    [InlineData(0u)]
    [InlineData(MapFlags.NoCommonLru)]
    public void Values_of_all_processors_are_those_of_the_map_of_bytes(uint flags)
    {
        var tree = new TreeOfThree();
        using (var map = new LruPerCpuHashMap<long, Odd>(tree.Leaf, capacity: 100, flags))
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
            Assert.True(map.TryReplaceAll(key, values));
            Assert.True(map.TrySetAll(8, values));
            Assert.Equal((2, 100), (map.Count, map.Capacity));

            var seen = new Dictionary<long, Odd[]>();
            foreach ((long each, PerCpuValues<Odd> of) in map) seen.Add(each, Odd.All(of));
            Assert.Equal([7, 8], seen.Keys.Order());
            Assert.All(seen.Values, of => Assert.Equal(values, of));

            copy.AsSpan().Clear();
            Assert.True(map.TryRemove(8, copy));
            Assert.Equal(values, copy);
            Assert.False(map.TryRemove(8, copy));
            Assert.True(map.TryRemove(7));
            Assert.False(map.TryRemove(7));
            map.Map.Validate();
            Assert.Equal(map.Map.ChargedBytes, tree.Leaf.Kernel.CurrentBytes);
        }

        Assert.Equal([0, 0, 0], tree.Kernel);
    }

    [Fact]
    public void A_thread_of_one_processor_adds_zeros_for_the_others_and_writes_its_value_alone() =>
        PinnedThread.Run(() =>
        {
            using var map = new LruPerCpuHashMap<Guid, Odd>(new TreeOfThree().Leaf, capacity: 20);
            Guid key = Guid.NewGuid(), other = Guid.NewGuid();
            Assert.False(map.TryGetValue(key, out Odd value));
            Assert.False(map.TryReplace(key, value));
            Assert.True(Unsafe.IsNullRef(ref map.GetReference(key)));
            Assert.True(map.TryAdd(key, Odd.Of(5)));
            Assert.False(map.TryAdd(key, Odd.Of(6)));
            Assert.True(map.TryGetValue(key, out value));
            Assert.Equal(Odd.Of(5), value);
            Assert.True(map.TryReplace(key, Odd.Of(6)));
            Assert.True(map.TryPeek(key, out value));
            Assert.Equal(Odd.Of(6), value);
            Assert.Equal(Odd.Of(6), map.GetReference(key));
            Assert.True(map.TryGetSpan(key, out Span<Odd> span));
            span[0] = Odd.Of(7);
            map.TryGetValues(key, out PerCpuValues<Odd> all);
            Assert.Equal([Odd.Of(7)], Odd.All(all).Where(each => each != default));
            Assert.False(map.TryPeek(other, out value));
            Assert.Equal(default, value);
            Assert.True(map.TrySet(other, Odd.Of(1)));
        });

    // The first element is read all the time and stays; which way it is read decides whether that counts.
    [Theory]
    [InlineData("TryGetValue", true)]
    [InlineData("TryGetValues", true)]
    [InlineData("GetReference", true)]
    [InlineData("TryPeek", false)]
    [InlineData("TryCopyValues", false)]
    public void What_counts_as_a_use_keeps_an_element(string way, bool isKept) => PinnedThread.Run(() =>
    {
        using var map = new LruPerCpuHashMap<int, Odd>(new TreeOfThree().Leaf, capacity: 200);
        var values = new Odd[s_processors];
        map.TrySet(0, Odd.Of(1));
        for (int key = 1; key < 2000; key++)
        {
            map.TrySet(key, default);
            _ = way switch
            {
                "TryGetValue" => map.TryGetValue(0, out _),
                "TryGetValues" => map.TryGetValues(0, out _),
                "GetReference" => Unsafe.IsNullRef(ref map.GetReference(0)),
                "TryPeek" => map.TryPeek(0, out _),
                _ => map.TryCopyValues(0, values),
            };
        }

        Assert.InRange(map.Count, 1, 200);
        Assert.Equal(isKept, map.TryPeek(0, out Odd value));
        Assert.Equal(isKept ? Odd.Of(1) : default, value);
        map.Map.Validate();
    });

    [Fact]
    public void Not_as_many_values_as_processors_are_a_mistake_of_the_caller()
    {
        using var map = new LruPerCpuHashMap<int, Odd>(new TreeOfThree().Leaf, capacity: 20);
        foreach (int wrong in (int[])[0, s_processors - 1, s_processors + 1])
        {
            Assert.Throws<ArgumentException>("values", () => map.TrySetAll(1, new Odd[wrong]));
            if (wrong > s_processors) continue;
            Assert.Throws<ArgumentException>("values", () => map.TryCopyValues(1, new Odd[wrong]));
            Assert.Throws<ArgumentException>("values", () => map.TryRemove(1, new Odd[wrong]));
        }

        Assert.Equal(0, map.Count);
    }

    [Fact]
    public void What_is_copied_while_8_threads_write_all_is_of_one_writer()
    {
        using var map = new LruPerCpuHashMap<int, Odd>(new TreeOfThree().Leaf, capacity: 100);
        Crew.Run(threads: 8, thread =>
        {
            var values = new Odd[s_processors];
            for (int i = 0; i < 3000; i++)
            {
                values.AsSpan().Fill(Odd.Of((thread * 100_000) + i));
                Assert.True(map.TrySetAll(1, values));
                if (map.TryCopyValues(1, values)) Assert.All(values, value => Assert.Equal(values[0], value));
                if (map.TryGetValue(1, out Odd value)) Assert.Equal(Odd.Of(value.First), value);
            }
        });
        map.Map.Validate();
    }

    [Fact]
    public void Nothing_is_allocated_on_use()
    {
        using var map = new LruPerCpuHashMap<long, Odd>(new TreeOfThree().Leaf, capacity: 50);
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
            for (int key = 0; key < 100; key++)
            {
                map.TrySet(key, Odd.Of(key));
                map.TryGetValue(key, out _);
                map.TryPeek(key, out _);
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
    public void A_limit_that_refuses_the_map_is_named_and_nothing_stays()
    {
        var tree = new TreeOfThree(middle: new() { KernelMaxBytes = 1000 });
        var refused = Assert.Throws<MemoryLimitExceededException>(
            () => new LruPerCpuHashMap<long, Odd>(tree.Leaf, 100));
        Assert.Same(tree.Middle, refused.Refusal.Limiter);
        Assert.Equal([0, 0, 0], tree.Kernel);
    }

    [Fact]
    public void A_map_of_other_sizes_or_another_type_is_no_map_by_these_types()
    {
        using var map = new LruPerCpuHashMap<long, long>(new TreeOfThree().Leaf, capacity: 20);
        Assert.Throws<ArgumentException>(() => new LruPerCpuHashMap<int, long>(map.Map));
        Assert.Throws<ArgumentException>(() => new LruHashMap<long, long>(map.Map));
        using var ofAll = new LruHashMap<long, long>(new TreeOfThree().Leaf, capacity: 20);
        Assert.Throws<ArgumentException>(() => new LruPerCpuHashMap<long, long>(ofAll.Map));
    }
}
