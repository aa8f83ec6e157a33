using Allot.Maps;
using Allot.Testing;

namespace Allot.Tests.Maps.Hashing;

/// <summary>The hash does what a dictionary does, up to its capacity, and its own invariants hold.</summary>
public sealed unsafe class HashMapModelTests
{
    public static TheoryData<int, int, int, uint> Shapes
    {
        get
        {
            var shapes = new TheoryData<int, int, int, uint>();
            foreach (uint flags in (uint[])[0, MapFlags.NoPreallocation])
            {
                shapes.Add(4, 8, 1, flags);
                shapes.Add(8, 64, 10, flags);
                shapes.Add(4, 1, 11, flags);
                shapes.Add(8, 24, 100, flags);
                shapes.Add(3, 5, 300, flags);
                shapes.Add(16, 40, 5000, flags);   // stripes
                shapes.Add(8, 8, 40_000, flags | MapFlags.ZeroSeed);
            }

            return shapes;
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void It_does_what_a_dictionary_does(int keyBytes, int valueBytes, int capacity, uint flags)
    {
        var tree = new TreeOfThree();
        using var map = new HashMap(tree.Leaf, Definition(keyBytes, valueBytes, capacity, flags));
        var model = new Dictionary<int, byte>();
        var random = new Prng((ulong)(keyBytes + capacity));
        byte* key = stackalloc byte[keyBytes], value = stackalloc byte[valueBytes];
        int keys = capacity + (capacity / 2) + 2;
        for (int i = 0; i < 40_000 + (8 * capacity); i++)
        {
            int number = random.Below(keys);
            SetKey(key, keyBytes, number);
            bool isThere = model.TryGetValue(number, out byte expected);
            switch (random.Below(5))
            {
                case 0 or 1:
                    ulong updateFlags = (ulong)random.Below(4);
                    byte mark = (byte)random.Next();
                    new Span<byte>(value, valueBytes).Fill(mark);
                    int wanted = updateFlags == 3 ? MapErrors.Invalid
                        : isThere && updateFlags == MapErrors.OnlyNew ? MapErrors.Exists
                        : !isThere && updateFlags == MapErrors.OnlyExisting ? MapErrors.NotFound
                        : !isThere && model.Count == capacity ? MapErrors.TooBig
                        : MapErrors.None;
                    Assert.Equal(wanted, map.Update(key, value, updateFlags));
                    if (wanted == MapErrors.None) model[number] = mark;
                    break;
                case 2:
                    Assert.Equal(isThere ? MapErrors.None : MapErrors.NotFound, map.Delete(key));
                    model.Remove(number);
                    break;
                case 3 when random.OneIn(3):
                    Assert.Equal(isThere ? MapErrors.None : MapErrors.NotFound, map.LookupAndDelete(key, value));
                    if (isThere) Assert.Equal(-1, new Span<byte>(value, valueBytes).IndexOfAnyExcept(expected));
                    model.Remove(number);
                    break;
                default:
                    byte* found = map.Lookup(key);
                    Assert.Equal(isThere, found != null);
                    Assert.Equal(isThere ? MapErrors.None : MapErrors.NotFound, map.Read(key, value));
                    if (!isThere) break;
                    Assert.Equal((expected, expected), (found[0], value[valueBytes - 1]));
                    Assert.True(map.Contains((ulong)found, (ulong)valueBytes, writes: true));
                    break;
            }

            Assert.Equal(model.Count, map.Count);
        }

        map.Validate();
        AssertWalk(map, model, keyBytes);
        Assert.Equal(map.Memory.AllocatedBytes, tree.Leaf.Kernel.CurrentBytes);
    }

    [Fact]
    public void Deleting_the_current_key_while_walking_visits_each_element_once()
    {
        using var map = new HashMap(new TreeOfThree().Leaf, Definition(8, 8, 100, 0));
        for (long i = 0; i < 80; i++) Assert.Equal(0, map.Update((byte*)&i, (byte*)&i, 0));
        long key, next;
        int visited = 0;
        for (int error = map.NextKey(null, (byte*)&key); error == 0; visited++)
        {
            Assert.Equal(0, map.Delete((byte*)&key));
            error = map.NextKey((byte*)&key, (byte*)&next);   // it is gone: the first again
            key = next;
        }

        Assert.Equal((80, 0), (visited, map.Count));
    }

    [Fact]
    public void Elements_far_from_home_are_found_and_leave_nothing_behind()
    {
        // Full to the last element, again and again: what overflows goes round the end.
        using var map = new HashMap(new TreeOfThree().Leaf, Definition(8, 8, 60, MapFlags.ZeroSeed));
        for (int round = 0; round < 200; round++)
        {
            for (long i = 0; i < 60; i++)
            {
                long key = i + (round * 31);
                Assert.Equal(0, map.Update((byte*)&key, (byte*)&key, MapErrors.OnlyNew));
            }

            map.Validate();
            for (long i = 0; i < 60; i++)
            {
                long key = i + (round * 31);
                Assert.Equal(key, *(long*)map.Lookup((byte*)&key));
                Assert.Equal(0, map.Delete((byte*)&key));
            }

            map.Validate();
            Assert.Equal(0, map.Count);
        }
    }

    [Fact]
    public void An_update_that_is_refused_memory_leaves_the_map_as_it_was_and_names_the_limit()
    {
        MapDefinition definition = Definition(8, 1000, 1000, MapFlags.NoPreallocation);
        MapFigures figures = MapSizes.Of(definition);
        var tree = new TreeOfThree(middle: new() { KernelMaxBytes = figures.ChargedBytes + 100_000 });
        using var map = new HashMap(tree.Leaf, definition);
        byte* value = stackalloc byte[1000];
        long key = 0;
        int error;
        while ((error = map.Update((byte*)&key, value, 0)) == 0) key++;
        Assert.Equal(MapErrors.NoMemory, error);
        Assert.Same(tree.Middle, map.LastRefusal.Limiter);
        Assert.InRange(map.Count, 50, 99);
        Assert.Equal(key, map.Count);
        map.Validate();
        Assert.Equal(map.ChargedBytes, tree.Root.Kernel.CurrentBytes);

        // Room again, and the same update is made, by whoever asks.
        tree.Middle.Kernel.MaxBytes = MemoryGroup.Unlimited;
        using (tree.Root.Enter()) Assert.Equal(0, map.Update((byte*)&key, value, 0));
        Assert.Equal(map.ChargedBytes, tree.Leaf.Kernel.CurrentBytes);
    }

    private static void AssertWalk(HashMap map, Dictionary<int, byte> model, int keyBytes)
    {
        var seen = new HashSet<int>();
        byte* key = stackalloc byte[keyBytes], next = stackalloc byte[keyBytes];
        for (int error = map.NextKey(null, next); error == MapErrors.None; error = map.NextKey(key, next))
        {
            Buffer.MemoryCopy(next, key, keyBytes, keyBytes);
            int number = key[0] | (key[1] << 8) | (key[2] << 16);
            Assert.True(model.ContainsKey(number));
            Assert.True(seen.Add(number));
        }

        Assert.Equal(model.Count, seen.Count);
    }

    private static void SetKey(byte* key, int keyBytes, int number)
    {
        new Span<byte>(key, keyBytes).Clear();
        for (int i = 0; i < 3; i++) key[i] = (byte)(number >> (8 * i));
        if (keyBytes > 8) key[keyBytes - 1] = 7;
    }

    private static MapDefinition Definition(int keyBytes, int valueBytes, int capacity, uint flags) => new()
    {
        Name = "hash",
        Type = MapType.Hash,
        KeyBytes = keyBytes,
        ValueBytes = valueBytes,
        Capacity = capacity,
        Flags = flags,
    };
}
