using Allot.Maps;

namespace Allot.Tests.Maps;

/// <summary>The answers of arrays and hashes to the host, as Linux 6.18 gives them.</summary>
public sealed unsafe class MapSemanticsTests
{
    private const int NotPermitted = -1, NotFound = -2, TooBig = -7, Exists = -17, Invalid = -22, NotSupported = -524;

    private readonly TreeOfThree _tree = new();

    [Theory]
    [InlineData(MapType.Hash, 0u)]
    [InlineData(MapType.Hash, MapFlags.NoPreallocation)]
    [InlineData(MapType.PerCpuHash, 0u)]
    [InlineData(MapType.PerCpuHash, MapFlags.NoPreallocation)]
    public void A_hash_answers_as_recorded(MapType type, uint flags)
    {
        using GroupMap map = Make(type, capacity: 2, flags);
        byte* value = stackalloc byte[(int)map.HostValueBytes];
        int one = 1, two = 2, three = 3, next;
        Assert.Equal(NotFound, map.NextKey(null, (byte*)&next));
        Assert.Equal(NotFound, map.Read((byte*)&one, value));
        Assert.Equal(NotFound, map.Write((byte*)&one, value, 2));
        Assert.Equal(NotFound, map.Remove((byte*)&one));
        Assert.Equal(NotFound, map.LookupAndDelete((byte*)&one, value));
        Assert.Equal(Invalid, map.Write((byte*)&one, value, 3));
        Assert.Equal(Invalid, map.Write((byte*)&one, value, 4));
        Assert.Equal(0, map.Write((byte*)&one, value));
        Assert.Equal(Exists, map.Write((byte*)&one, value, 1));
        Assert.Equal(0, map.Write((byte*)&two, value));
        Assert.Equal(TooBig, map.Write((byte*)&three, value));
        Assert.Equal(NotFound, map.Write((byte*)&three, value, 2));
        Assert.Equal(0, map.Write((byte*)&two, value));
        Assert.Equal(0, map.NextKey((byte*)&three, (byte*)&next));   // not there: the first
        int first = next;
        Assert.Equal(0, map.NextKey(null, (byte*)&next));
        Assert.Equal(first, next);
        Assert.Equal(0, map.NextKey((byte*)&first, (byte*)&next));
        Assert.Equal(NotFound, map.NextKey((byte*)&next, (byte*)&first));
        Assert.Equal(Invalid, map.Read((byte*)&one, value, 1));
        Assert.Equal(0, map.LookupAndDelete((byte*)&one, value));
        Assert.Equal(1, map.Count);
    }

    [Theory]
    [InlineData(MapType.Array)]
    [InlineData(MapType.PerCpuArray)]
    public void An_array_answers_as_recorded(MapType type)
    {
        using GroupMap map = Make(type, capacity: 2);
        byte* value = stackalloc byte[(int)map.HostValueBytes];
        int one = 1, two = 2, next;
        Assert.Equal(0, map.Read((byte*)&one, value));
        Assert.Equal(NotFound, map.Read((byte*)&two, value));
        Assert.Equal(Exists, map.Write((byte*)&one, value, 1));
        Assert.Equal(TooBig, map.Write((byte*)&two, value, 1));
        Assert.Equal(Invalid, map.Write((byte*)&two, value, 3));
        Assert.Equal(Invalid, map.Remove((byte*)&one));
        Assert.Equal(NotSupported, map.LookupAndDelete((byte*)&one, value));
        Assert.Equal((0, 0), (map.NextKey(null, (byte*)&next), next));
        Assert.Equal((0, 0), (map.NextKey((byte*)&two, (byte*)&next), next));
        Assert.Equal(NotFound, map.NextKey((byte*)&one, (byte*)&next));
    }

    [Theory]
    [InlineData(MapType.PerCpuArray, 0u)]
    [InlineData(MapType.PerCpuHash, 0u)]
    [InlineData(MapType.PerCpuHash, MapFlags.NoPreallocation)]
    public void Each_processor_has_a_value_and_the_host_sees_all(MapType type, uint flags)
    {
        using GroupMap map = Make(type, capacity: 3, flags);
        int processors = Environment.ProcessorCount, key = 1;
        Assert.Equal(8 * processors, map.HostValueBytes);
        long* values = stackalloc long[processors];
        for (int i = 0; i < processors; i++) values[i] = 100 + i;
        Assert.Equal(0, map.Write((byte*)&key, (byte*)values));
        for (int i = 0; i < processors; i++) Assert.Equal(100 + i, *(int*)map.LookupOf((byte*)&key, i));
        Assert.True(map.LookupOf((byte*)&key, processors) == null);
        int mine = 7;
        Assert.Equal(0, map.Update((byte*)&key, (byte*)&mine, 0));
        Assert.Equal(0, map.Read((byte*)&key, (byte*)values));
        int[] read = [.. Enumerable.Range(0, processors).Select(i => (int)((long*)values)[i])];
        Assert.Single(read, 7);
        Assert.Equal(processors - 1, read.Where((value, i) => value == 100 + i).Count());

        // What a program adds is zero for all other processors, also where another element was.
        if (type != MapType.PerCpuHash) return;
        Assert.Equal(0, map.Delete((byte*)&key));
        Assert.Equal(0, map.Update((byte*)&key, (byte*)&mine, 0));
        Assert.Equal(0, map.Read((byte*)&key, (byte*)values));
        Assert.Equal(7, Enumerable.Range(0, processors).Sum(i => ((long*)values)[i]));
    }

    [Fact]
    public void Frozen_is_frozen_for_the_host_and_not_for_programs()
    {
        using GroupMap map = Make(MapType.Hash, capacity: 4);
        int key = 1, value = 2;
        Assert.Equal(0, map.Write((byte*)&key, (byte*)&value));
        Assert.Equal(0, map.Freeze());
        Assert.Equal(NotPermitted, map.Freeze());
        Assert.Equal(NotPermitted, map.Write((byte*)&key, (byte*)&value));
        Assert.Equal(NotPermitted, map.Remove((byte*)&key));
        Assert.Equal(NotPermitted, map.LookupAndDelete((byte*)&key, (byte*)&value));
        Assert.Equal(0, map.Read((byte*)&key, (byte*)&value));
        Assert.Equal(0, map.Update((byte*)&key, (byte*)&value, 0));
    }

    [Fact]
    public void Flags_of_access_bind_the_host()
    {
        int key = 1, value = 2;
        using GroupMap read = Make(MapType.Hash, 4, MapFlags.ReadOnly);
        using GroupMap write = Make(MapType.Hash, 4, MapFlags.WriteOnly);
        Assert.Equal(NotPermitted, read.Write((byte*)&key, (byte*)&value));
        Assert.Equal(0, write.Write((byte*)&key, (byte*)&value));
        Assert.Equal(NotPermitted, write.Read((byte*)&key, (byte*)&value));
    }

    [Fact]
    public void Batches_of_a_hash_answer_as_recorded()
    {
        using GroupMap map = Make(MapType.Hash, capacity: 5);
        int* keys = stackalloc int[6] { 1, 2, 3, 4, 5, 6 };
        int* values = stackalloc int[6];
        uint token;
        MapBatch batch = Batch(keys, values, 6, &token);
        Assert.Equal((NotFound, 0L), (map.LookupAndDeleteBatch(ref batch), batch.Count));
        batch.Count = 6;
        Assert.Equal((TooBig, 5L), (map.UpdateBatch(ref batch), batch.Count));
        batch.ElementFlags = 1;
        Assert.Equal(Invalid, map.UpdateBatch(ref batch));
        batch = Batch(keys, values, 0, &token);
        Assert.Equal((0, 0L), (map.LookupBatch(ref batch), batch.Count));
        batch.Flags = 1;
        Assert.Equal(Invalid, map.LookupBatch(ref batch));

        // By twos: the last call says that it is the last, and brings one.
        var seen = new List<int>();
        int error = 0;
        for (uint* from = null; error == 0; from = &token)
        {
            batch = Batch(keys, values, 2, &token) with { From = (byte*)from };
            error = map.LookupBatch(ref batch);
            for (int i = 0; i < batch.Count; i++) seen.Add(keys[i]);
        }

        Assert.Equal((NotFound, 1L), (error, batch.Count));
        Assert.Equal([1, 2, 3, 4, 5], seen.Order());
        keys[0] = 2;
        keys[1] = 9;
        batch = Batch(keys, values, 2, &token);
        Assert.Equal((NotFound, 1L), (map.DeleteBatch(ref batch), batch.Count));
        batch = Batch(keys, values, 6, &token);
        Assert.Equal((NotFound, 4L), (map.LookupAndDeleteBatch(ref batch), batch.Count));
        Assert.Equal(0, map.Count);
    }

    [Fact]
    public void Batches_of_an_array_end_where_it_ends()
    {
        using GroupMap map = Make(MapType.Array, capacity: 3);
        int* keys = stackalloc int[5];
        int* values = stackalloc int[5];
        uint token;
        MapBatch batch = Batch(keys, values, 3, &token);
        Assert.Equal((0, 3L, 2u), (map.LookupBatch(ref batch), batch.Count, token));
        token = 0;
        batch = Batch(keys, values, 5, &token);
        Assert.Equal((NotFound, 3L, 2u), (map.LookupBatch(ref batch), batch.Count, token));
        uint end = 2;
        token = 77;
        batch = Batch(keys, values, 5, &token) with { From = (byte*)&end };
        Assert.Equal((NotFound, 0L, 77u), (map.LookupBatch(ref batch), batch.Count, token));
        Assert.Equal((NotSupported, 0L), (map.DeleteBatch(ref batch), batch.Count));
    }

    private static MapBatch Batch(int* keys, int* values, long count, uint* next) => new()
    {
        Keys = (byte*)keys,
        Values = (byte*)values,
        Count = count,
        Next = (byte*)next,
    };

    private GroupMap Make(MapType type, long capacity, uint flags = 0) => GroupMap.Create(
        _tree.Leaf,
        new MapDefinition { Type = type, KeyBytes = 4, ValueBytes = 4, Capacity = capacity, Flags = flags });
}
