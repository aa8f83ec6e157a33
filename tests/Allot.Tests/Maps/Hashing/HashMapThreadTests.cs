using Allot.Maps;
using Allot.Testing;

namespace Allot.Tests.Maps.Hashing;

/// <summary>Readers without locks and writers at once: nothing is torn, lost, found under another key, or one too many.
/// </summary>
public sealed class HashMapThreadTests
{
    private const int Threads = 8;

    public static TheoryData<int, uint> Sizes => new()
    {
        { 30, 0 },
        { 30, MapFlags.NoPreallocation },
        { 3000, 0 },
        { 3000, MapFlags.NoPreallocation },
    };

    // Each value says its key, in both halves, and a number that is the same in both.
    [Theory]
    [MemberData(nameof(Sizes))]
    public void What_is_found_is_whole_and_belongs_to_its_key(int capacity, uint flags)
    {
        var tree = new TreeOfThree();
        using var map = new HashMap<Wide, Wide4>(tree.Leaf, capacity, flags);
        Crew.Run(Threads, thread =>
        {
            var random = new Prng((ulong)thread + 1);
            for (int i = 0; i < 30_000; i++)
            {
                long number = random.Below(2 * capacity);
                var key = new Wide(number, ~number);
                switch (random.Below(6))
                {
                    case 0 or 1:
                        _ = map.TrySet(key, Wide4.Of(number, i));
                        break;
                    case 2:
                        if (map.TryRemove(key, out Wide4 removed)) removed.AssertIsOf(number);
                        break;
                    default:
                        if (map.TryGetValue(key, out Wide4 found)) found.AssertIsOf(number);
                        break;
                }

                Assert.InRange(map.Map.Count, 0, map.Map.Table.Slots);   // a sum of many words, each read at its time
            }
        });
        map.Map.Validate();
        Assert.InRange(map.Count, 0, capacity);
        Assert.Equal(map.Map.ChargedBytes, tree.Leaf.Kernel.CurrentBytes);
    }

    [Fact]
    public void What_is_there_all_the_while_is_always_found()
    {
        using var map = new HashMap<long, long>(new TreeOfThree().Leaf, 2000);
        for (long i = 0; i < 1000; i++) Assert.True(map.TryAdd(i, i));
        Crew.Run(Threads, thread =>
        {
            var random = new Prng((ulong)thread + 1);
            for (int i = 0; i < 30_000; i++)
            {
                if (thread % 2 == 0)
                {
                    long passing = 1000 + random.Below(1500);
                    _ = map.TryAdd(passing, passing);
                    _ = map.TryRemove(1000 + random.Below(1500));
                }
                else
                {
                    long staying = random.Below(1000);
                    Assert.Equal(staying, map.GetReference(staying));
                }
            }
        });
        map.Map.Validate();
        long sum = 0, seen = 0;
        foreach (HashMap<long, long>.Element element in map)
        {
            if (element.Key >= 1000) continue;
            sum += element.Value;
            seen++;
        }

        Assert.Equal((1000, 499_500), (seen, sum));
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(MapFlags.NoPreallocation)]
    public void Exactly_as_many_as_there_is_room_for_are_added(uint flags)
    {
        using var map = new HashMap<long, long>(new TreeOfThree().Leaf, 5000, flags);
        int added = 0;
        Crew.Run(Threads, thread =>
        {
            int mine = 0;
            for (long i = 0; i < 1000; i++)
            {
                if (map.TryAdd((thread * 1000L) + i, i)) mine++;
            }

            Interlocked.Add(ref added, mine);
        });
        Assert.Equal((5000, 5000), (added, map.Count));
        map.Map.Validate();
        Assert.False(map.TryAdd(-1, 0));
    }

    // The permits are in other stripes, or on their way.
    [Theory]
    [InlineData(0u)]
    [InlineData(MapFlags.NoPreallocation)]
    public void Who_has_no_more_than_its_share_is_never_refused(uint flags)
    {
        const int Share = 250;
        using var map = new HashMap<long, long>(new TreeOfThree().Leaf, Threads * Share, flags);
        Crew.Run(Threads, thread =>
        {
            var random = new Prng((ulong)thread + 1);
            var mine = new Queue<long>();
            for (int i = 0; i < 20_000; i++)
            {
                if (mine.Count == Share || (mine.Count > 0 && random.Below(3) == 0))
                {
                    Assert.True(map.TryRemove(mine.Dequeue()));
                }
                else
                {
                    long key = ((long)i << 8) + thread;
                    Assert.True(map.TryAdd(key, i), "There is room.");
                    mine.Enqueue(key);
                }
            }
        });
        map.Map.Validate();
    }

    private readonly record struct Wide(long First, long Second);

    private readonly record struct Wide4(Wide First, long Number, Wide Second, long Again)
    {
        public static Wide4 Of(long key, long number) => new(new Wide(key, ~key), number, new Wide(key, ~key), number);

        public void AssertIsOf(long key)
        {
            Assert.Equal(new Wide(key, ~key), First);
            Assert.Equal(First, Second);
            Assert.Equal(Number, Again);
        }
    }
}
