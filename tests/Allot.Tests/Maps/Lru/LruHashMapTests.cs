using Allot.Maps;
using Allot.Testing;

namespace Allot.Tests.Maps.Lru;

/// <summary>LRU maps by types and by bytes, alone and from many threads.</summary>
public sealed unsafe class LruHashMapTests
{
    private const int Threads = 8;

    public static TheoryData<MapType, uint> Kinds => new()
    {
        { MapType.LruHash, 0 },
        { MapType.LruHash, MapFlags.NoCommonLru },
        { MapType.LruPerCpuHash, 0 },
        { MapType.LruPerCpuHash, MapFlags.NoCommonLru },
    };

    [Fact]
    public void A_map_by_types_has_its_own_ways_to_read_and_write()
    {
        var tree = new TreeOfThree();
        using (var map = new LruHashMap<long, Guid>(tree.Leaf, capacity: 100))
        {
            Guid one = Guid.NewGuid(), other = Guid.NewGuid();
            Assert.False(map.TryGetValue(1, out Guid value));
            Assert.Equal(Guid.Empty, value);
            Assert.True(map.TryAdd(1, one));
            Assert.False(map.TryAdd(1, other));
            Assert.False(map.TryReplace(2, other));
            Assert.True(map.TryPeek(1, out value));
            Assert.Equal(one, value);
            Assert.True(map.TryReplace(1, other));
            Assert.True(map.TryGetSpan(1, out Span<Guid> span));
            Assert.Equal(other, span[0]);
            map.GetReference(1) = one;
            Assert.True(map.TryGetValue(1, out value));
            Assert.Equal(one, value);
            Assert.True(System.Runtime.CompilerServices.Unsafe.IsNullRef(ref map.GetReference(2)));
            Assert.True(map.TrySet(2, other));
            Assert.Equal(2, map.Count);
            Assert.True(map.TryRemove(2, out value));
            Assert.Equal(other, value);
            Assert.False(map.TryRemove(2));
            Assert.Equal([new(1, one)], ElementsOf(map));
            Assert.Equal(map.Map.ChargedBytes, tree.Leaf.Kernel.CurrentBytes);
            Assert.Equal(100, map.Capacity);
        }

        Assert.Equal([0, 0, 0], tree.Kernel);
    }

    [Fact]
    public void A_map_of_other_sizes_or_another_type_is_no_map_by_these_types()
    {
        var group = new TreeOfThree().Leaf;
        using LruHashMap map = new(group, Definition(MapType.LruHash, 0, capacity: 4));
        Assert.Throws<ArgumentException>(() => new LruHashMap<int, long>(map));
        using LruHashMap ofProcessors = new(group, Definition(MapType.LruPerCpuHash, 0, capacity: 4));
        Assert.Throws<ArgumentException>(() => new LruHashMap<long, long>(ofProcessors));
    }

    [Fact]
    public void Nothing_is_allocated_on_use()
    {
        using var map = new LruHashMap<long, long>(new TreeOfThree().Leaf, capacity: 100);
        long sum = 0;
        Use();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Use();
        long after = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(before, after);
        Assert.True(sum > 0);

        void Use()
        {
            for (long key = 0; key < 300; key++)
            {
                map.TrySet(key, key);
                map.TryGetValue(key / 2, out _);
                map.TryRemove(key / 3);
            }

            foreach (KeyValuePair<long, long> element in map) sum += element.Value;
        }
    }

    [Fact]
    public void Each_processor_has_its_value_and_a_program_adds_zeros_for_the_others()
    {
        using LruHashMap map = new(new TreeOfThree().Leaf, Definition(MapType.LruPerCpuHash, 0, 10), processors: 4);
        long key = 7, value = 5;
        long* all = stackalloc long[4];
        Assert.Equal(32, map.HostValueBytes);
        Assert.Equal(0, map.Update((byte*)&key, (byte*)&value, 0));
        Assert.Equal(0, map.Read((byte*)&key, (byte*)all));
        Assert.Equal(5, all[0] + all[1] + all[2] + all[3]);
        for (int i = 0; i < 4; i++) all[i] = 10 + i;
        Assert.Equal(0, map.Write((byte*)&key, (byte*)all));
        for (int i = 0; i < 4; i++) Assert.Equal(10 + i, *(long*)map.LookupOf((byte*)&key, i));
        Assert.True(map.LookupOf((byte*)&key, 4) == null);
        Assert.InRange(*(long*)map.Lookup((byte*)&key), 10, 13);
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Keys_follow_each_other_once_each_and_removing_them_begins_anew(MapType type, uint flags)
    {
        using LruHashMap map = new(new TreeOfThree().Leaf, Definition(type, flags, 1000), processors: 1);
        long* value = stackalloc long[1];
        for (long key = 0; key < 500; key++) Assert.Equal(0, map.Write((byte*)&key, (byte*)value));
        HashSet<long> seen = [];
        long at, next;
        for (int error = map.NextKey(null, (byte*)&next); error == 0; error = map.NextKey((byte*)&at, (byte*)&next))
        {
            Assert.True(seen.Add(next));
            at = next;
        }

        Assert.Equal(500, seen.Count);
        at = -1;
        Assert.Equal(0, map.NextKey((byte*)&at, (byte*)&next));
        int removed = 0;
        while (map.NextKey((byte*)&next, (byte*)&next) == 0)
        {
            Assert.Equal(0, map.Remove((byte*)&next));
            removed++;
        }

        Assert.InRange(removed, 250, 500);
        map.Validate();
    }

    [Fact]
    public void Batches_go_bucket_by_bucket()
    {
        using LruHashMap map = new(new TreeOfThree().Leaf, Definition(MapType.LruHash, MapFlags.ZeroSeed, 256));
        long* keys = stackalloc long[256], values = stackalloc long[256];
        for (int i = 0; i < 200; i++) keys[i] = values[i] = i;
        uint token;
        var update = new MapBatch { Keys = (byte*)keys, Values = (byte*)values, Count = 200 };
        Assert.Equal(0, map.UpdateBatch(ref update));
        Assert.Equal(200, update.Count);
        var batch = new MapBatch { Keys = (byte*)keys, Values = (byte*)values, Count = 256, Next = (byte*)&token };
        Assert.Equal(MapErrors.NotFound, map.LookupBatch(ref batch));
        Assert.Equal(200, batch.Count);
        Assert.Equal(200, Enumerable.Range(0, 200).Select(i => keys[i]).Distinct().Count());

        long found = 0;
        int result;
        batch = new MapBatch { Keys = (byte*)keys, Values = (byte*)values, Next = (byte*)&token };
        do
        {
            batch.Count = 20;
            result = map.LookupAndDeleteBatch(ref batch);
            batch.From = (byte*)&token;
            found += batch.Count;
        }
        while (result == 0);
        Assert.Equal(MapErrors.NotFound, result);
        Assert.Equal(200, found);
        Assert.Equal(0, map.Count);
        batch = new MapBatch { Count = 0 };
        Assert.Equal(0, map.LookupBatch(ref batch));
        batch = new MapBatch { Count = 1, Flags = 1 };
        Assert.Equal(MapErrors.Invalid, map.LookupBatch(ref batch));
        map.Validate();
    }

    [Fact]
    public void A_batch_without_room_for_one_bucket_says_so()
    {
        using LruHashMap map = new(new TreeOfThree().Leaf, Definition(MapType.LruHash, MapFlags.ZeroSeed, 64));
        long keys, values, key = 0;
        for (; map.Count < 60; key++) Assert.Equal(0, map.Write((byte*)&key, (byte*)&key));
        uint token = 0;
        var batch = new MapBatch { Keys = (byte*)&keys, Values = (byte*)&values, Next = (byte*)&token };
        int result;
        do
        {
            batch.Count = 1;
            result = map.LookupBatch(ref batch);
            batch.From = (byte*)&token;
        }
        while (result == 0);
        Assert.Equal(MapErrors.NoSpace, result);
        Assert.Equal(0, batch.Count);
    }

    // The long version is a stress test.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Many_threads_never_see_a_value_of_another_key_and_leave_all_in_order(int kind)
    {
        var tree = new TreeOfThree();
        using var map = new LruHashMap(tree.Leaf, LruLoad.Kinds(200).ElementAt(kind), LruLoad.Processors);
        Crew.Run(Threads, thread => LruLoad.Work(map, (ulong)thread + 1, operations: 20_000));
        LruLoad.Check(map);
        Assert.Equal(map.ChargedBytes, tree.Root.Kernel.CurrentBytes);
    }

    [Fact]
    public void Threads_that_only_find_each_others_nodes_still_find_one()
    {
        // As many nodes as processors: what a thread needs is nearly always pending with another one.
        using LruHashMap map = new(new TreeOfThree().Leaf, Definition(MapType.LruHash, 0, 8), processors: 8);
        Crew.Run(Threads, thread =>
        {
            for (long i = 0; i < 20_000; i++)
            {
                long key = (i * Threads) + thread;
                Assert.Contains(map.Write((byte*)&key, (byte*)&key), (int[])[0, MapErrors.NoMemory]);
            }
        });
        map.Validate();
    }

    private static MapDefinition Definition(MapType type, uint flags, long capacity) => new()
    {
        Name = "lru",
        Type = type,
        KeyBytes = 8,
        ValueBytes = 8,
        Capacity = capacity,
        Flags = flags,
    };

    private static List<KeyValuePair<long, Guid>> ElementsOf(LruHashMap<long, Guid> map)
    {
        List<KeyValuePair<long, Guid>> elements = [];
        foreach (KeyValuePair<long, Guid> element in map) elements.Add(element);
        return elements;
    }
}
