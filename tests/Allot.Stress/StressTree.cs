using Allot.Testing;

namespace Allot.Stress;

/// <summary>The tree that the threads share.</summary>
/// <remarks>
/// <para><c>/calm</c>: limits that are never lowered, no forced charges. I1 must hold there at every instant.</para>
/// <para><c>/wild</c>: limits that move up and down, forced charges, groups that come and go.</para>
/// </remarks>
internal sealed class StressTree
{
    private readonly MemoryGroup _wild;
    private readonly MemoryGroup[] _slots;
    private readonly List<MemoryGroup> _everCreated = [];
    private readonly Lock _lock = new();

    /// <param name="random">Decides the limits.</param>
    /// <param name="unit">The bytes that all amounts are multiples of. With pages, threads hold some in advance; with
    /// single bytes every limit is too near for that.</param>
    /// <param name="groups">How many groups, about half of them calm.</param>
    public StressTree(Prng random, long unit, int groups)
    {
        Unit = unit;
        Controller = new MemoryController(options: new() { ChargesGroupMetadata = unit > 1 });
        MemoryGroup calm = Controller.Root.CreateChild(
            "calm", new() { MaxBytes = 4_000 * unit, KernelMaxBytes = 1_500 * unit, PinsMaxBytes = 2_000 * unit });
        Calm.Add(calm);
        for (int i = 1; i < groups / 2; i++)
        {
            var options = new MemoryGroupOptions
            {
                MaxBytes = (200 + random.Below(3_000)) * unit,
                KernelMaxBytes = (200 + random.Below(1_000)) * unit,
                PinsMaxBytes = (200 + random.Below(1_500)) * unit,
            };
            Calm.Add(random.Pick(Calm).CreateChild($"c{i}", options));
        }

        // Low enough that forced charges pass it, whatever else happens below.
        _wild = Controller.Root.CreateChild(
            "wild", new() { MaxBytes = 3_000 * unit, KernelMaxBytes = 1_500 * unit, PinsMaxBytes = 2_000 * unit });
        _everCreated.AddRange([Controller.Root, .. Calm, _wild]);
        _slots = [.. Enumerable.Range(0, groups / 2).Select(_ => CreateBelow(_wild))];
    }

    public MemoryController Controller { get; }

    public long Unit { get; }

    public List<MemoryGroup> Calm { get; } = [];

    /// <summary>How many groups could not be created, because somebody above has no room for them.</summary>
    public long RefusedGroups { get; private set; }

    /// <summary>Every group there ever was. Only for quiet points.</summary>
    public IReadOnlyList<MemoryGroup> EverCreated => _everCreated;

    public MemoryGroup AnyCalm(Prng random) => random.Pick(Calm);

    /// <summary>A wild group; it may be removed at any time, also while the caller uses it.</summary>
    public MemoryGroup AnyWild(Prng random) => Volatile.Read(ref _slots[random.Below(_slots.Length)]);

    /// <summary>Puts a new group into a slot, below another wild group or at the top, and removes the old one if it
    /// can. </summary>
    public void Replace(Prng random)
    {
        ref MemoryGroup slot = ref _slots[random.Below(_slots.Length)];
        MemoryGroup parent = random.OneIn(2) ? AnyWild(random) : _wild;
        MemoryGroup old = slot;
        try
        {
            MemoryGroup created = CreateBelow(parent);
            Volatile.Write(ref slot, created);
            old.Remove();
        }
        catch (InvalidOperationException)
        {
            // The parent was removed meanwhile, or the old one still has children: it stays, out of its slot.
        }
        catch (MemoryLimitExceededException)
        {
            RefusedGroups++;   // one thread replaces
        }
    }

    /// <summary>Removes all groups, the youngest first: children are younger than their parents.</summary>
    public void RemoveAll()
    {
        foreach (MemoryGroup group in _everCreated.Where(group => group.Parent is not null).Reverse()) group.Remove();
    }

    private MemoryGroup CreateBelow(MemoryGroup parent)
    {
        lock (_lock)
        {
            MemoryGroup created = parent.CreateChild($"w{_everCreated.Count}");
            _everCreated.Add(created);
            return created;
        }
    }
}
