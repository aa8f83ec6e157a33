using Allot.Testing;

namespace Allot.Stress;

/// <summary>The thread that changes what the workers stand on: limits, groups, peaks.</summary>
internal sealed class Meddler(StressTree tree, ulong seed)
{
    private readonly Prng _random = new(seed);

    public void Work(int operations)
    {
        for (int i = 0; i < operations; i++)
        {
            switch (_random.Below(4))
            {
                case 0: tree.Replace(_random); break;
                case 1: RaiseCalmLimit(); break;
                case 2: SetWildLimit(); break;
                default: LookAtPeak(); break;
            }
        }
    }

    // Only up, so that I1 can be watched there: what was allowed once stays allowed.
    private void RaiseCalmLimit()
    {
        MemoryCounter counter = AnyCounter(tree.AnyCalm(_random));
        if (counter.MaxBytes < 20_000 * tree.Unit) counter.MaxBytes += tree.Unit;
    }

    private void SetWildLimit()
    {
        MemoryCounter counter = AnyCounter(tree.AnyWild(_random));
        counter.MaxBytes = _random.OneIn(3) ? MemoryGroup.Unlimited : _random.Below(3_000) * tree.Unit;
    }

    private void LookAtPeak()
    {
        MemoryCounter counter = AnyCounter(tree.AnyCalm(_random));
        using PeakReader reader = counter.OpenPeak();
        reader.Reset();
        Assert.InRange(reader.PeakBytes, 0, counter.MaxBytes);
    }

    private MemoryCounter AnyCounter(MemoryGroup group) => _random.Below(3) switch
    {
        0 => group.Memory,
        1 => group.Kernel,
        _ => group.Pins,
    };
}
