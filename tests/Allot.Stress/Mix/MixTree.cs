using System.Collections.Concurrent;
using Allot.Testing;

namespace Allot.Stress.Mix;

/// <summary>The tree of the mix: about a thousand groups that eight threads share.</summary>
/// <remarks>
/// <para><c>/calm</c>: limits that only rise, no forced charges, nobody is killed or removed. I1 must hold there at
/// every instant.</para>
/// <para><c>/wild</c>: limits of all sorts that move up and down, forced charges, groups that are removed and killed.
/// </para>
/// <para><c>/caches</c>: caches that are reclaimed, under protection.</para>
/// </remarks>
internal sealed class MixTree
{
    public const long Unit = 4096;

    private const int CacheCount = 16;

    private readonly MemoryGroup _wild;
    private readonly MemoryGroup _cachesTop;
    private readonly MemoryGroup[] _slots;
    private readonly StressCache[] _caches;
    private readonly ConcurrentQueue<MemoryGroup> _stillThere = new();
    private int _names;

    public MixTree(Prng random, int groups)
    {
        Controller = new MemoryController(new() { MaxBytes = 4_000 * Unit }, new()
        {
            OutOfMemoryPolicy = random.OneIn(2) ? OutOfMemoryPolicy.Largest : OutOfMemoryPolicy.Priority,
            OutOfMemoryGrace = TimeSpan.FromMilliseconds(1),
            HighDelayMax = TimeSpan.FromMicroseconds(200),
        });
        MemoryGroup calm = Controller.Root.CreateChild("calm", CalmOptions(3_000, 1_500, 1_000));
        Calm.Add(calm);
        for (int i = 1; i < groups / 2; i++)
        {
            MemoryGroupOptions options =
                CalmOptions(200 + random.Below(3_000), 200 + random.Below(1_000), 200 + random.Below(1_500));
            Calm.Add(random.Pick(Calm).CreateChild($"c{i}", options));
        }

        _wild = Controller.Root.CreateChild("wild", new()
        {
            MaxBytes = 1_500 * Unit,   // low enough that everybody together, and forced charges, pass it
            KernelMaxBytes = 800 * Unit,
            PinsMaxBytes = 600 * Unit,
            OutOfMemoryPriority = OutOfMemoryPolicy.NeverKilled,
        });
        _slots = [.. Enumerable.Range(0, (groups / 2) - CacheCount).Select(_ => CreateBelow(_wild, random))];
        _cachesTop = Controller.Root.CreateChild("caches", new() { MaxBytes = 800 * Unit, LowBytes = 200 * Unit });
        _caches = [.. Enumerable.Range(0, CacheCount).Select(_ => NewCache(random))];
    }

    public MemoryController Controller { get; }

    public List<MemoryGroup> Calm { get; } = [];

    public MemoryGroup Root => Controller.Root;

    public int Groups => Calm.Count + _slots.Length + _caches.Length;

    public MemoryGroup AnyCalm(Prng random) => random.Pick(Calm);

    /// <summary>A wild group; it may end at any time, also while the caller uses it.</summary>
    public MemoryGroup AnyWild(Prng random) => Volatile.Read(ref _slots[random.Below(_slots.Length)]);

    public StressCache AnyCache(Prng random) => Volatile.Read(ref _caches[random.Below(_caches.Length)]);

    /// <summary>Puts a new group into a slot, below another wild group or at the top.</summary>
    /// <returns>Whether it did: not if the group that it was to be below has ended.</returns>
    public bool TryReplaceWild(Prng random)
    {
        ref MemoryGroup slot = ref _slots[random.Below(_slots.Length)];
        MemoryGroup parent = random.OneIn(2) ? AnyWild(random) : _wild;
        if (TryCreateBelow(parent, random) is not { } created) return false;
        _stillThere.Enqueue(Interlocked.Exchange(ref slot, created));
        return true;
    }

    public void ReplaceCache(Prng random)
    {
        ref StressCache slot = ref _caches[random.Below(_caches.Length)];
        StressCache old = Interlocked.Exchange(ref slot, NewCache(random));
        old.Group.Remove();
        old.Dispose();
    }

    /// <summary>Removes some of those that are out of their slots: not yet those that have children.</summary>
    /// <returns>How many are gone.</returns>
    public int RemoveSome()
    {
        int removed = 0;
        for (int tries = Math.Min(20, _stillThere.Count); tries > 0 && _stillThere.TryDequeue(out var group); tries--)
        {
            if (TryRemove(group)) removed++;
            else _stillThere.Enqueue(group);
        }

        return removed;
    }

    /// <summary>At the end, when nobody uses the tree: the caches let go.</summary>
    public void DisposeCaches()
    {
        foreach (StressCache cache in _caches) cache.Dispose();
    }

    /// <summary>At the end: removes every group but the root, from below.</summary>
    public void RemoveAll() => RemoveBelow(Root);

    /// <summary>Every group that is in the tree. Only for quiet points.</summary>
    public IEnumerable<MemoryGroup> All()
    {
        var pending = new Stack<MemoryGroup>([Root]);
        while (pending.TryPop(out MemoryGroup? group))
        {
            yield return group;
            foreach (MemoryGroup child in group.Children) pending.Push(child);
        }
    }

    private static MemoryGroupOptions CalmOptions(long units, long kernelUnits, long pinsUnits) => new()
    {
        MaxBytes = units * Unit,
        KernelMaxBytes = kernelUnits * Unit,
        PinsMaxBytes = pinsUnits * Unit,
        OutOfMemoryPriority = OutOfMemoryPolicy.NeverKilled,
    };

    private static bool TryRemove(MemoryGroup group)
    {
        try
        {
            group.Remove();
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;   // it has children
        }
    }

    private static void RemoveBelow(MemoryGroup group)
    {
        foreach (MemoryGroup child in group.Children)
        {
            RemoveBelow(child);
            child.Remove();
        }
    }

    private MemoryGroup? TryCreateBelow(MemoryGroup parent, Prng random)
    {
        try
        {
            return CreateBelow(parent, random);
        }
        catch (InvalidOperationException)
        {
            return null;   // the parent has ended meanwhile
        }
    }

    private MemoryGroup CreateBelow(MemoryGroup parent, Prng random) => parent.CreateChild(
        $"w{Interlocked.Increment(ref _names)}",
        new() { KillsAsOne = random.OneIn(4), OutOfMemoryPriority = random.Below(3) });

    private StressCache NewCache(Prng random) => new(_cachesTop.CreateChild(
        $"cache{Interlocked.Increment(ref _names)}",
        new()
        {
            MaxBytes = 100 * Unit,
            MinBytes = random.Below(5) * Unit,
            HighBytes = random.OneIn(3) ? 50 * Unit : MemoryGroup.Unlimited,
            OutOfMemoryPriority = OutOfMemoryPolicy.NeverKilled,
        }));
}
