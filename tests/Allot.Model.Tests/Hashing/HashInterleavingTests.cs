using System.Runtime.Intrinsics;
using Allot.Maps;

namespace Allot.Model.Tests.Hashing;

/// <summary>The code of the hash table itself, one writer and readers in every interleaving of their steps: a step goes
/// from one use of a key, or half of a value, to the next. What readers may see, the history of the writer says.
/// </summary>
/// <remarks>Between two steps nothing is torn apart: the orders of single accesses are the models' (hash.pml).
/// </remarks>
public sealed unsafe class HashInterleavingTests
{
    private const int Key = 1, Other = 2, Filler = 100;
    private static readonly Vector128<byte> s_hash = Vector128<byte>.Zero.WithElement(0, (byte)7);

    /// <summary>What the writer does, and whether another thread has written before, after which locks are taken. <c>r</c> removes the key, <c>a</c> adds it, <c>s</c> sets it; in capitals, the same for the other key.
    /// </summary>
    public static TheoryData<string, bool, uint> Works => new(
        from work in new[] { "rA", "ra", "rAs", "s", "rAR", "As" }
        from isShared in new[] { false, true }
        from flags in new[] { 0u, MapFlags.NoPreallocation }
        select (work, isShared, flags));

    [Theory, MemberData(nameof(Works))]
    public void A_reader_finds_what_was_there(string work, bool isShared, uint flags) =>
        Assert.True(RunAll(work, isShared, flags, fillers: 0, Find) > 20);

    [Theory, MemberData(nameof(Works))]
    public void A_reader_copies_what_was_there(string work, bool isShared, uint flags) =>
        Assert.True(RunAll(work, isShared, flags, fillers: 0, Copy) > 20);

    [Theory]
    [InlineData("ra", 0)]
    [InlineData("rA", 0)]
    [InlineData("ra", MapFlags.NoPreallocation)]
    public void A_reader_finds_what_lies_beyond_its_home(string work, uint flags) =>
        Assert.True(RunAll(work, isShared: false, flags, fillers: HashTable.ChunkSlots, Copy) > 20);

    [Fact]
    public void Without_the_second_look_a_wrong_value_is_noticed()
    {
        Exception noticed = Assert.ThrowsAny<Exception>(
            () => RunAll("rA", isShared: false, flags: 0, fillers: 0, CopyWithoutSecondLook));
        Assert.Contains("was read", noticed.Message);
    }

    // Readers return the number of the value, 0 for none.
    private static int RunAll(
        string work, bool isShared, uint flags, int fillers, Func<HashTable, SteppedKey, long> read)
    {
        using var baton = new Baton(actors: 2);
        MemoryGroup group = new MemoryController().Root.CreateChild("maps");
        HashMap? map = null;
        History? history = null;
        (long value, int from, int to) = (0, 0, 0);
        int runs = baton.RunAll(
            () =>
            {
                map?.Dispose();
                HashMap made = map = Make(group, flags);
                if (isShared) baton.Prepare(actor: 1, () => Set(made.Table, Key, 1));
                baton.Prepare(actor: 0, () => Fill(made.Table, fillers));
                History past = history = new History(baton);
                past.Begins(1);
                return
                [
                    () => Write(made.Table, work, past),
                    () =>
                    {
                        from = baton.Now;
                        value = read(made.Table, KeyOf(Key));
                        to = baton.Now;
                    },
                ];
            },
            () =>
            {
                Assert.True(history!.Had(value, from, to), $"{value} was read. Schedule: {baton.Describe()}");
                map!.Table.Validate(static key => HashOf(*(long*)key), map.Definition.Capacity);
            });
        map!.Dispose();
        Assert.Equal(0, group.Memory.CurrentBytes);
        return runs;
    }

    private static HashMap Make(MemoryGroup group, uint flags) => new(group, new MapDefinition
    {
        Name = "hash",
        Type = MapType.Hash,
        KeyBytes = 8,
        ValueBytes = 16,
        Capacity = 24,
        Flags = flags,
    });

    private static void Fill(HashTable table, int fillers)
    {
        for (int i = 0; i < fillers; i++) Set(table, Filler + i, Filler);
        Set(table, Key, 1);
    }

    private static void Write(HashTable table, string work, History history)
    {
        long number = 1;
        foreach (char each in work)
        {
            bool isKey = char.IsLower(each);
            SteppedKey key = KeyOf(isKey ? Key : Other);
            number++;
            if (char.ToLowerInvariant(each) == 'r')
            {
                if (isKey) history.Begins(0);
                Assert.Equal(0, table.Remove(key, default, table.Sizes));
                if (isKey) history.EndsOthers();
            }
            else
            {
                if (isKey) history.Begins(number);
                Assert.Equal(0, table.Update(key, new SteppedValue(isKey ? number : -number), 0, table.Sizes));
                if (isKey) history.EndsOthers();
            }
        }
    }

    private static void Set(HashTable table, long key, long value) =>
        Assert.Equal(0, table.Update(KeyOf(key), new SteppedValue(value), 0, table.Sizes));

    // All keys have one home; the fillers have another tag.
    private static SteppedKey KeyOf(long number) => new(number, HashOf(number));

    private static Vector128<byte> HashOf(long number) => number < Filler ? s_hash : s_hash.WithElement(0, (byte)9);

    private static long Find(HashTable table, SteppedKey key) => table.Find(key) == null ? 0 : History.Any;

    private static long Copy(HashTable table, SteppedKey key)
    {
        long* halves = stackalloc long[2];
        if (!table.TryCopy(key, new ValueCopy((byte*)halves, 16))) return 0;
        Assert.Equal(halves[0], halves[1]);
        return halves[0];
    }

    private static long CopyWithoutSecondLook(HashTable table, SteppedKey key)
    {
        HashHome home = table.Home;
        uint hits = ChunkHeader.Hits(ChunkHeader.Read((byte*)home.Headers), TableHash.TagsOf(s_hash));
        if (!ChunkHeader.AnySlot(hits)) return 0;
        byte* value = (byte*)home.FirstValue
            + (table.Sizes.StrideBytes * (nuint)System.Numerics.BitOperations.TrailingZeroCount(hits));
        return key.Matches(value - 8) ? *(long*)value : 0;
    }
}
