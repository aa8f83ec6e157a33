using System.Buffers.Binary;
using System.Net;
using Allot.Maps;
using Allot.Testing;

namespace Allot.Tests.Maps.Lpm;

/// <summary>Tries of prefixes: against a slow model, against the figures that are known before, and from many threads.
/// </summary>
public sealed unsafe class LpmTrieTests
{
    public static TheoryData<ulong> Seeds => [1, 2, 3, 4, 5, 6];

    [Fact]
    public void A_table_of_routes_finds_the_longest_prefix()
    {
        using var routes = new LpmTrie<uint, int>(new TreeOfThree().Leaf, capacity: 100);
        Assert.True(routes.TryAdd(Address("10.0.0.0"), 8, 8));
        Assert.True(routes.TryAdd(Address("10.1.0.0"), 16, 16));
        Assert.True(routes.TryAdd(Address("10.1.2.0"), 24, 24));
        Assert.True(routes.TryAdd(Address("10.1.2.3"), 32, 32));
        Assert.Equal(32, Match(routes, "10.1.2.3"));
        Assert.Equal(24, Match(routes, "10.1.2.4"));
        Assert.Equal(16, Match(routes, "10.1.3.3"));
        Assert.Equal(8, Match(routes, "10.2.2.3"));
        Assert.Equal(0, Match(routes, "11.1.2.3"));
        Assert.True(routes.TryMatch(Address("10.1.2.3"), 20, out int value));
        Assert.Equal(16, value);
        Assert.False(routes.TryAdd(Address("10.9.9.9"), 8, 9));
        Assert.True(routes.TryReplace(Address("10.9.9.9"), 8, 9));
        Assert.Equal(9, Match(routes, "10.2.2.3"));
        Assert.True(routes.TryRemove(Address("10.1.0.0"), 16));
        Assert.Equal(9, Match(routes, "10.1.3.3"));
        Assert.True(routes.TrySet(Address("0.0.0.0"), 0, 1));
        Assert.Equal(1, Match(routes, "11.1.2.3"));
        Assert.True(routes.TryGetSpan(Address("11.1.2.3"), out Span<int> span));
        span[0] = 2;
        Assert.Equal(2, Match(routes, "12.1.2.3"));
        Assert.Throws<ArgumentOutOfRangeException>(() => routes.TrySet(0, 33, 1));
        Assert.False(routes.TryMatch(0, 33, out _));
        Assert.Equal([32, 24, 8, 0], ElementsOf(routes).Select(element => element.Bits));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void A_trie_agrees_with_the_model(ulong seed)
    {
        var random = new Prng(seed);
        var tree = new TreeOfThree();
        var model = new Dictionary<(int Bits, uint Prefix), long>();
        using var trie = new LpmTrie<uint, long>(tree.Leaf, capacity: 60);
        for (int step = 0; step < 3000; step++)
        {
            (uint address, int bits) = RandomPrefix(random);
            (int, uint) prefix = (bits, Prefix(address, bits));
            uint inMemory = BinaryPrimitives.ReverseEndianness(address);
            switch (random.Below(6))
            {
                case < 3:
                    bool isNew = !model.ContainsKey(prefix);
                    bool fits = !isNew || model.Count < 60;
                    Assert.Equal(fits, trie.TrySet(inMemory, bits, step));
                    if (fits) model[prefix] = step;
                    break;
                case 3:
                    Assert.Equal(model.Remove(prefix), trie.TryRemove(inMemory, bits));
                    break;
                default:
                    long? expected = null;
                    for (int length = bits; length >= 0 && expected is null; length--)
                    {
                        if (model.TryGetValue((length, Prefix(address, length)), out long found)) expected = found;
                    }

                    Assert.Equal(expected is not null, trie.TryMatch(inMemory, bits, out long value));
                    Assert.Equal(expected ?? 0, value);
                    break;
            }

            Assert.Equal(model.Count, trie.Count);
            if (step % 100 != 0) continue;
            var sorted = model.Keys.Order(Comparer<(int Bits, uint Prefix)>.Create(InPostOrder)).ToList();
            Assert.Equal(
                sorted, ElementsOf(trie).Select(each => (each.Bits, Prefix(ToNumber(each.Address), each.Bits))));
        }

        Assert.Equal(trie.Map.ChargedBytes, tree.Leaf.Kernel.CurrentBytes);
    }

    [Theory]
    [InlineData(8, 8, 1000)]
    [InlineData(8, 100, 37)]
    [InlineData(8, 300_000, 9)]
    [InlineData(8, 3_000_000, 3)]
    [InlineData(5, 8, 256)]
    [InlineData(5, 8, 300)]
    [InlineData(20, 64, 4096)]
    public void The_most_that_a_trie_takes_is_known_before_and_is_reached(int keyBytes, int valueBytes, int capacity)
    {
        var tree = new TreeOfThree();
        MapDefinition definition = Definition(keyBytes, valueBytes, capacity);
        MapFigures figures = MapSizes.Of(definition);
        using LpmTrie map = new(tree.Leaf, definition);
        Assert.Equal(0, figures.ChargedBytes);
        byte[] room = new byte[keyBytes + valueBytes];
        fixed (byte* key = room)
        {
            // Whole addresses first, evenly spread: each pair needs a node in between. Then what is left of all
            // prefixes.
            int whole = keyBytes == 5 ? 256 : int.MaxValue;
            for (int i = 0; i < Math.Min(capacity, whole); i++) Put(map, key, (i, (keyBytes - 4) * 8));
            for (int bits = 7, rest = capacity - whole; rest > 0; bits--)
            {
                for (int i = 0; i < 1 << bits && rest > 0; i++, rest--) Put(map, key, (i << (8 - bits), bits));
            }

            Assert.Equal(figures.MaxBytes, map.ChargedBytes);
            Assert.Equal(figures.MaxBytes, tree.Leaf.Kernel.CurrentBytes);
            Assert.Equal(capacity, map.Count);
        }
    }

    [Fact]
    public void An_update_without_memory_changes_nothing_and_names_who_refused()
    {
        var tree = new TreeOfThree(middle: new() { MaxBytes = 4096 });
        using LpmTrie map = new(tree.Leaf, Definition(8, 1500, 100));
        byte* key = stackalloc byte[8 + 1500];
        int added = 0;
        int error;
        do
        {
            *(int*)key = 32;
            BinaryPrimitives.WriteInt32BigEndian(new Span<byte>(key + 4, 4), added);
            error = map.Write(key, key + 8);
            if (error == 0) added++;
        }
        while (error == 0);
        Assert.Equal(MapErrors.NoMemory, error);
        Assert.Same(tree.Middle, map.LastRefusal.Limiter);
        Assert.Equal(added, map.Count);
        Assert.Equal(MapErrors.NotFound, map.Read(key, key + 8));
        BinaryPrimitives.WriteInt32BigEndian(new Span<byte>(key + 4, 4), 0);
        Assert.Equal(0, map.Write(key, key + 8));
        Assert.Equal(map.ChargedBytes, tree.Leaf.Kernel.CurrentBytes);
        tree.Middle.Memory.MaxBytes = 1 << 20;
        BinaryPrimitives.WriteInt32BigEndian(new Span<byte>(key + 4, 4), added);
        Assert.Equal(0, map.Write(key, key + 8));
    }

    [Fact]
    public void Only_values_are_memory_of_programs()
    {
        using LpmTrie map = new(new TreeOfThree().Leaf, Definition(8, 12, 1000));
        byte* key = stackalloc byte[8 + 12];
        for (int i = 0; i < 1000; i++)
        {
            *(int*)key = 32;
            *(int*)(key + 4) = i * 7;
            Assert.Equal(0, map.Write(key, key + 8));
            byte* value = map.Lookup(key);
            Assert.True(map.Contains((ulong)value, 12, writes: true));
            Assert.True(map.Contains((ulong)value + 8, 4, writes: false));
            Assert.False(map.Contains((ulong)value - 1, 1, writes: false));
            Assert.False(map.Contains((ulong)value, 17, writes: false));
        }
    }

    [Fact]
    public void Enumeration_goes_on_while_elements_are_removed_and_added()
    {
        using var trie = new LpmTrie<uint, int>(new TreeOfThree().Leaf, capacity: 1000);
        for (uint i = 0; i < 200; i++) Assert.True(trie.TryAdd(BinaryPrimitives.ReverseEndianness(i << 8), 24, (int)i));
        List<int> seen = [];
        foreach (LpmTrie<uint, int>.Element element in trie)
        {
            seen.Add(element.Value);
            Assert.True(trie.TryRemove(element.Address, element.Bits));
            Assert.True(trie.TryAdd(element.Address, 32, -1));
        }

        Assert.Equal(Enumerable.Range(0, 200), seen);
    }

    [Fact]
    public void Readers_always_find_what_is_always_there()
    {
        using var trie = new LpmTrie<uint, long>(new TreeOfThree().Leaf, capacity: 5000);
        for (uint i = 0; i < 16; i++) Assert.True(trie.TryAdd(BinaryPrimitives.ReverseEndianness(i << 28), 4, i));
        Crew.Run(threads: 8, thread =>
        {
            var random = new Prng((ulong)thread + 1);
            for (int step = 0; step < 20_000; step++)
            {
                (uint address, int bits) = RandomPrefix(random);
                bits = Math.Max(bits, 5);
                uint inMemory = BinaryPrimitives.ReverseEndianness(address);
                if (thread < 3)
                {
                    if (random.OneIn(2)) trie.TrySet(inMemory, bits, address >> 28);
                    else trie.TryRemove(inMemory, bits);
                    continue;
                }

                Assert.True(trie.TryMatch(inMemory, out long value));
                Assert.Equal(address >> 28, value);
            }
        });
        Assert.Equal(trie.Count, ElementsOf(trie).Count);
    }

    private static void Put(LpmTrie map, byte* key, (int Number, int Bits) prefix)
    {
        *(int*)key = prefix.Bits;
        int keyBytes = map.Definition.KeyBytes;
        if (keyBytes == 5) key[4] = (byte)prefix.Number;
        else BinaryPrimitives.WriteInt32BigEndian(new Span<byte>(key + 4, 4), prefix.Number);
        Assert.Equal(0, map.Write(key, key + keyBytes));
    }

    // Longer prefixes before those that they begin with, and 0 before 1.
    private static int InPostOrder((int Bits, uint Prefix) one, (int Bits, uint Prefix) other)
    {
        int common = Math.Min(one.Bits, other.Bits);
        int order = Prefix(one.Prefix, common).CompareTo(Prefix(other.Prefix, common));
        return order != 0 ? order : other.Bits.CompareTo(one.Bits);
    }

    private static (uint Address, int Bits) RandomPrefix(Prng random)
    {
        uint address = 0;
        for (int shift = 0; shift < 32; shift += 8)
        {
            address |= (random.OneIn(3) ? (uint)random.Below(256) : (uint)random.Below(2)) << shift;
        }

        return (address, random.Below(33));
    }

    private static uint Prefix(uint address, int bits) => bits == 0 ? 0 : address & (uint.MaxValue << (32 - bits));

    private static uint ToNumber(uint inMemory) => BinaryPrimitives.ReverseEndianness(inMemory);

    private static uint Address(string text) => BitConverter.ToUInt32(IPAddress.Parse(text).GetAddressBytes());

    private static int Match(LpmTrie<uint, int> routes, string address) =>
        routes.TryMatch(Address(address), out int value) ? value : 0;

    private static MapDefinition Definition(int keyBytes, int valueBytes, int capacity) => new()
    {
        Name = "routes",
        Type = MapType.LpmTrie,
        KeyBytes = keyBytes,
        ValueBytes = valueBytes,
        Capacity = capacity,
        Flags = MapFlags.NoPreallocation,
    };

    private static List<LpmTrie<uint, TValue>.Element> ElementsOf<TValue>(LpmTrie<uint, TValue> trie)
        where TValue : unmanaged
    {
        List<LpmTrie<uint, TValue>.Element> elements = [];
        foreach (LpmTrie<uint, TValue>.Element element in trie) elements.Add(element);
        return elements;
    }
}
