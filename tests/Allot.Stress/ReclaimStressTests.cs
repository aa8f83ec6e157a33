using Allot.Testing;

namespace Allot.Stress;

/// <summary>Threads that charge a tree whose limits are below the load, with caches to reclaim from, protections that
/// change and groups that come and go: nothing hangs, no honest reclaimer is reported, everything ends at zero.
/// </summary>
public sealed class ReclaimStressTests(ITestOutputHelper output)
{
    private const int Caches = 12;
    private const long MaxBytes = 24_000;

    public static TheoryData<ulong> Seeds => [.. Load.Seeds];

    [Theory, MemberData(nameof(Seeds))]
    public void Charging_beyond_the_limits_ends_at_zero(ulong seed)
    {
        output.WriteLine($"ALLOT_STRESS_SEED={seed}");
        var tree = new MemoryController(
            new() { MaxBytes = MaxBytes }, new() { HighDelayMax = TimeSpan.FromMicroseconds(200) });
        StressCache[] caches = [.. Enumerable.Range(0, Caches).Select(i => NewCache(tree, i, $"c{i}"))];
        long refused = 0;
        int operations = Load.Operations(4_000);

        Crew.Run(
            [
                .. Enumerable.Range(1, Load.Workers).Select(i => (Action)(() => Work(new Prng((seed * 100) + (ulong)i)))),
                () => Meddle(new Prng(seed * 100)),
            ],
            watch: () => Assert.InRange(tree.Root.Memory.CurrentBytes, 0, MaxBytes));

        // High limits can have kept everybody below the hard ones. Without them one cache meets its own for certain.
        tree.Root.HighBytes = caches[0].Group.HighBytes = MemoryGroup.Unlimited;
        for (int i = 0; i < 200; i++) caches[0].TryInsert(100);

        Assert.Empty(TreeWalk.FindViolations(tree));
        foreach (StressCache cache in caches) cache.Dispose();
        Assert.Empty(TreeWalk.FindViolations(tree));
        Assert.Equal(0, tree.Root.Memory.CurrentBytes);
        MemoryEvents events = tree.Root.ReadEvents();
        Assert.Equal(0, events.AccountingErrors);
        Assert.Equal(0, events.ReclaimErrors);
        Assert.True(events.MemoryMax > 0, "The limits never acted: the test proves nothing.");
        Assert.True(events.High > 0, "The high limits never acted.");
        Assert.True(tree.Root.ReadPressure().SomeTotal > TimeSpan.Zero, "Nobody ever waited.");
        output.WriteLine($"{events.High} above high, {events.HighDeadlines} returned at the deadline");
        output.WriteLine($"{events.MemoryMax} refusals at limits, {refused} charges refused, {events.Low} below low");

        void Work(Prng random)
        {
            for (int i = 0; i < operations; i++)
            {
                StressCache cache = Volatile.Read(ref caches[random.Below(Caches)]);
                if (!cache.TryInsert(1 + random.Below(200))) Interlocked.Increment(ref refused);
                if (random.OneIn(200)) tree.Root.Reclaim(random.Below(5_000));
                if (random.OneIn(50)) cache.Group.Reclaim(random.Below(1_000));
            }
        }

        void Meddle(Prng random)
        {
            for (int i = 0; i < operations / 4; i++)
            {
                int index = random.Below(Caches);
                MemoryGroup group = caches[index].Group;
                switch (random.Below(7))
                {
                    case 0: group.MinBytes = Math.Min(random.Below(2_000), group.Memory.MaxBytes); break;
                    case 1: group.LowBytes = Math.Min(random.Below(5_000), group.Memory.MaxBytes); break;
                    case 6 when index % 4 == 0: group.HighBytes = random.Below(2_000); break;
                    case 2: group.Memory.MaxBytes = 5_000 + random.Below(5_000); break;
                    case 3:
                        StressCache old = caches[index];
                        Volatile.Write(ref caches[index], NewCache(tree, index, $"n{i}"));
                        old.Group.Remove();
                        old.Dispose();
                        break;
                    default: group.Reclaim(random.Below(500)); break;
                }
            }
        }
    }

    private static StressCache NewCache(MemoryController tree, int index, string name)
    {
        MemoryGroup parent = tree.Find($"/p{index % 3}") ?? tree.Root.CreateChild(
            $"p{index % 3}", new() { MaxBytes = MaxBytes / 2, LowBytes = 5_000 });
        return new StressCache(parent.CreateChild(
            name, new() { MaxBytes = 10_000, HighBytes = index % 4 == 0 ? 1_000 : MemoryGroup.Unlimited }));
    }
}
