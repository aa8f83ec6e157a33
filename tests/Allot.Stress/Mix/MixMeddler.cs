using Allot.Testing;

namespace Allot.Stress.Mix;

/// <summary>The thread that changes what the workers stand on: limits of all sorts, protection, groups, peaks.</summary>
internal sealed class MixMeddler(MixTree tree, ulong seed)
{
    private readonly Prng _random = new(seed);

    public MixTally Tally { get; } = new();

    public void Work(Func<int, bool> goesOn)
    {
        for (int i = 0; goesOn(i); i++) Step();
    }

    private void Step()
    {
        switch (_random.Below(14))
        {
            case < 4:
                if (tree.TryReplaceWild(_random)) Tally.Count("groups replaced");
                break;
            case < 6:
                Tally.Count("groups removed", tree.RemoveSome());
                break;
            case 6:
                RaiseCalmLimit();
                break;
            case < 9:
                SetWildLimit();
                break;
            case 9:
                SetHigh();
                break;
            case 10:
                SetProtection();
                break;
            case 11 when _random.OneIn(4):
                tree.AnyWild(_random).Kill($"by hand, seed {seed}");
                Tally.Count("kills by hand");
                break;
            case 12 when _random.OneIn(4):
                tree.ReplaceCache(_random);
                Tally.Count("caches replaced");
                break;
            case 13:
                LookAtPeak();
                break;
            default:
                tree.Controller.PreviewOutOfMemory(tree.Root);
                Tally.Count("previews");
                break;
        }
    }

    // Only up, so that I1 can be watched there: what was allowed once stays allowed.
    private void RaiseCalmLimit()
    {
        MemoryCounter counter = AnyCounter(tree.AnyCalm(_random));
        if (counter.MaxBytes < 20_000 * MixTree.Unit) counter.MaxBytes += MixTree.Unit;
        Tally.Count("limits raised");
    }

    private void SetWildLimit()
    {
        MemoryCounter counter = AnyCounter(tree.AnyWild(_random));
        counter.MaxBytes = _random.OneIn(3) ? MemoryGroup.Unlimited : _random.Below(3_000) * MixTree.Unit;
        Tally.Count("limits set");
    }

    private void SetHigh()
    {
        MemoryGroup group = _random.OneIn(2) ? tree.AnyWild(_random) : tree.AnyCache(_random).Group;
        group.HighBytes = _random.OneIn(2) ? MemoryGroup.Unlimited : _random.Below(500) * MixTree.Unit;
        Tally.Count("high limits set");
    }

    // Caches have a limit that nobody changes: protection below it is never refused.
    private void SetProtection()
    {
        MemoryGroup group = tree.AnyCache(_random).Group;
        if (_random.OneIn(2)) group.MinBytes = _random.Below(20) * MixTree.Unit;
        else group.LowBytes = _random.Below(80) * MixTree.Unit;
        Tally.Count("protections set");
    }

    private void LookAtPeak()
    {
        MemoryCounter counter = AnyCounter(tree.AnyCalm(_random));
        using PeakReader reader = counter.OpenPeak();
        reader.Reset();
        Assert.InRange(reader.PeakBytes, 0, counter.MaxBytes);
        Tally.Count("peaks started again");
    }

    private MemoryCounter AnyCounter(MemoryGroup group) => _random.Below(3) switch
    {
        0 => group.Memory,
        1 => group.Kernel,
        _ => group.Pins,
    };
}
