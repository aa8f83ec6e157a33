using Allot.Maps;
using Allot.Testing;
using Allot.Tests.Maps.Lru;

namespace Allot.Tests.Maps.Kernel;

/// <summary>The same calls on a map of ours and on one of the running kernel: results, errors and values are the same.
/// The seed is in the name of the test.</summary>
public sealed unsafe class SameAsKernelTests
{
    private const int Steps = 4000;

    public static TheoryData<MapType, ulong> QueueSeeds =>
        new(from type in new[] { MapType.Queue, MapType.Stack } from seed in Seeds select (type, seed));

    public static TheoryData<int, ulong> TrieSeeds =>
        new(from keyBytes in new[] { 5, 8, 11, 20 } from seed in Seeds select (keyBytes, seed));

    public static TheoryData<MapType, uint, ulong> LruSeeds => new(
        from type in new[] { MapType.LruHash, MapType.LruPerCpuHash }
        from flags in new uint[] { 0, MapFlags.NoCommonLru }
        from seed in Seeds
        select (type, flags, seed));

    private static ulong[] Seeds => [1, 2, 3];

    [Theory]
    [MemberData(nameof(QueueSeeds))]
    public void A_queue_answers_as_the_kernel(MapType type, ulong seed) =>
        Compare(new() { Type = type, ValueBytes = 8, Capacity = 7 }, seed, FillNoKey);

    [Theory]
    [MemberData(nameof(TrieSeeds))]
    public void A_trie_answers_as_the_kernel(int keyBytes, ulong seed)
    {
        var definition = new MapDefinition
        {
            Type = MapType.LpmTrie,
            KeyBytes = keyBytes,
            ValueBytes = 8,
            Capacity = 40,
            Flags = MapFlags.NoPreallocation,
        };
        Compare(definition, seed, FillPrefix);
    }

    [Theory]
    [MemberData(nameof(LruSeeds))]
    public void An_LRU_map_answers_as_the_kernel_and_drops_the_same(MapType type, uint flags, ulong seed)
    {
        KernelMap.Require();
        PinnedThread.Run(() =>
        {
            Assert.SkipUnless(DropsAsWeDo(), "This kernel makes room for another number of elements at a time.");
            Compare(
                new() { Type = type, KeyBytes = 4, ValueBytes = 8, Capacity = 64, Flags = flags },
                seed,
                static (random, key, _) => *(int*)key =
                    random.Below(random.OneIn(3) ? 1000 : 90),
                hasOrder: false);
        });
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(1UL)]
    [InlineData(15UL)]
    public void A_Bloom_filter_answers_as_the_kernel_and_never_says_no(ulong hashFunctions)
    {
        KernelMap.Require();
        var definition = new MapDefinition
        {
            Type = MapType.BloomFilter,
            ValueBytes = 8,
            Capacity = 100,
            MapExtra = hashFunctions,
        };
        using GroupMap ours = GroupMap.Create(new TreeOfThree().Leaf, definition);
        using KernelMap theirs = KernelMap.Create(definition);
        long key = 0;
        for (long value = 0; value < 100; value++)
        {
            Assert.Equal(0, theirs.Write(null, (byte*)&value));
            Assert.Equal(0, ours.Write(null, (byte*)&value));
        }

        for (long value = 0; value < 100; value++)
        {
            Assert.Equal(0, theirs.Read(null, (byte*)&value));
            Assert.Equal(0, ours.Read(null, (byte*)&value));
        }

        for (ulong flags = 1; flags < 9; flags++)
        {
            Assert.Equal(theirs.Write(null, (byte*)&key, flags), ours.Write(null, (byte*)&key, flags));
            Assert.Equal(theirs.Read(null, (byte*)&key, flags), ours.Read(null, (byte*)&key, flags));
        }

        AssertSameErrors(theirs, ours, &key);
    }

    [Fact]
    public void Stack_traces_answer_the_host_as_the_kernel()
    {
        KernelMap.Require();
        var definition = new MapDefinition { Type = MapType.StackTrace, KeyBytes = 4, ValueBytes = 80, Capacity = 10 };
        using GroupMap ours = GroupMap.Create(new TreeOfThree().Leaf, definition);
        using KernelMap theirs = KernelMap.Create(definition);
        foreach (long at in new long[] { 0, 9, 15, 16, 17, uint.MaxValue })
        {
            long key = at;
            AssertSameErrors(theirs, ours, &key);
        }
    }

    private static void AssertSameErrors(KernelMap theirs, GroupMap ours, long* key)
    {
        long* value = stackalloc long[16];
        foreach (nint pointer in new[] { 0, (nint)key })
        {
            var at = (byte*)pointer;
            Assert.Equal(theirs.NextKey(at, (byte*)value), ours.NextKey(at, (byte*)value));
            if (at == null && ours.Definition.KeyBytes > 0) continue;   // the kernel reads the key: EFAULT
            Assert.Equal(theirs.Read(at, (byte*)value), ours.Read(at, (byte*)value));
            Assert.Equal(theirs.LookupAndDelete(at, (byte*)value), ours.LookupAndDelete(at, (byte*)value));
            Assert.Equal(theirs.Write(at, (byte*)value), ours.Write(at, (byte*)value));
            Assert.Equal(theirs.Remove(at), ours.Remove(at));
        }
    }

    private static void Compare(
        MapDefinition definition, ulong seed, Action<Prng, nint, int> fillKey, bool hasOrder = true)
    {
        KernelMap.Require();
        using GroupMap ours = GroupMap.Create(new TreeOfThree().Leaf, definition);
        using KernelMap theirs = KernelMap.Create(definition);
        var random = new Prng(seed);
        int keyBytes = definition.KeyBytes;
        var valueBytes = (int)ours.HostValueBytes;
        byte[] room = new byte[keyBytes + (2 * valueBytes) + (2 * keyBytes) + 16];
        fixed (byte* first = room)
        {
            byte* key = first;
            byte* valueOurs = first + keyBytes, valueTheirs = valueOurs + valueBytes;
            byte* nextOurs = valueTheirs + valueBytes, nextTheirs = nextOurs + keyBytes;
            for (int step = 0; step < Steps; step++)
            {
                fillKey(random, (nint)key, keyBytes);
                byte* at = keyBytes > 0 ? key : random.OneIn(10) ? first : null;
                ulong flags = random.OneIn(2) ? 0 : (ulong)random.Below(6);
                string where = $"seed {seed}, step {step}";
                int operation = random.Below(10);
                switch (operation)
                {
                    case < 4:
                        for (int i = 0; i < valueBytes; i++) valueOurs[i] = valueTheirs[i] = (byte)random.Below(256);
                        AssertSame(theirs.Write(at, valueTheirs, flags), ours.Write(at, valueOurs, flags), where);
                        break;
                    case < 6:
                        flags = random.OneIn(10) ? flags : 0;
                        int read = theirs.Read(at, valueTheirs, flags);
                        AssertSame(read, ours.Read(at, valueOurs, flags), where);
                        if (read == 0) AssertSame(valueTheirs, valueOurs, valueBytes, where);
                        break;
                    case 6:
                        AssertSame(theirs.Remove(at), ours.Remove(at), where);
                        break;
                    case 7:
                        int taken = theirs.LookupAndDelete(at, valueTheirs);
                        AssertSame(taken, ours.LookupAndDelete(at, valueOurs), where);
                        if (taken == 0) AssertSame(valueTheirs, valueOurs, valueBytes, where);
                        break;
                    default:
                        if (!hasOrder) break;
                        byte* from = random.OneIn(8) ? null : at;
                        int next = theirs.NextKey(from, nextTheirs);
                        AssertSame(next, ours.NextKey(from, nextOurs), where);
                        if (next == 0) AssertSame(nextTheirs, nextOurs, keyBytes, where);
                        break;
                }
            }
        }

        (ours as LruHashMap)?.Validate();
        if (hasOrder) return;
        List<int> keys = KeysOf(ours.NextKey);
        Assert.Equal(KeysOf(theirs.NextKey), keys);
        Assert.Equal(ours.Count, keys.Count);
    }

    private static void AssertSame(int theirs, int ours, string where) =>
        Assert.True(theirs == ours, $"{where}: the kernel says {theirs}, we say {ours}");

    private static void AssertSame(byte* theirs, byte* ours, int bytes, string where) => Assert.True(
        new ReadOnlySpan<byte>(theirs, bytes).SequenceEqual(new ReadOnlySpan<byte>(ours, bytes)),
        $"{where}: the kernel has {Convert.ToHexString(new ReadOnlySpan<byte>(theirs, bytes))}, "
        + $"we have {Convert.ToHexString(new ReadOnlySpan<byte>(ours, bytes))}");

    private static void FillNoKey(Prng random, nint key, int bytes)
    {
    }

    // Few addresses, so that prefixes meet; sometimes one bit too many.
    private static void FillPrefix(Prng random, nint key, int bytes)
    {
        int bits = (bytes - 4) * 8;
        *(int*)key = random.OneIn(30) ? bits + 1 : random.Below(bits + 1);
        for (int at = 4; at < bytes; at++) ((byte*)key)[at] = (byte)(random.OneIn(3) ? random.Below(256) : 0x80);
    }

    private static bool DropsAsWeDo()
    {
        const int Capacity = 512;
        using KernelMap map = KernelMap.Create(
            new() { Type = MapType.LruHash, KeyBytes = 4, ValueBytes = 8, Capacity = Capacity });
        long value = 0;
        for (int key = 0; key <= Capacity; key++) _ = map.Write((byte*)&key, (byte*)&value);
        int dropped = CommonLruOrder.TargetOf(Capacity, GroupMap.ProcessorCount);
        return KeysOf(map.NextKey).Count == Capacity + 1 - dropped;
    }

    private delegate int NextKey(byte* key, byte* next);

    private static List<int> KeysOf(NextKey nextKey)
    {
        List<int> keys = [];
        int key, next;
        for (int error = nextKey(null, (byte*)&next); error == 0; error = nextKey((byte*)&key, (byte*)&next))
        {
            keys.Add(next);
            key = next;
        }

        keys.Sort();
        return keys;
    }
}
