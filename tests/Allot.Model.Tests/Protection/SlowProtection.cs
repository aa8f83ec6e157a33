using System.Numerics;

namespace Allot.Model.Tests.Protection;

/// <summary>Effective protection as one would explain it: for each group by itself, from the root down to it, in
/// numbers that cannot wrap. Knows nothing of how the engine walks.</summary>
internal sealed class SlowProtection(MemoryGroup target, bool sharesUnclaimed, Func<MemoryGroup, long> configured)
{
    public long Effective(MemoryGroup group)
    {
        if (group == target) return 0;
        MemoryGroup parent = group.Parent!;
        if (parent == target) return configured(group);

        BigInteger available = Effective(parent);
        BigInteger claim = Claim(group);
        BigInteger claimed = parent.Children.Aggregate(BigInteger.Zero, (sum, child) => sum + Claim(child));
        if (claimed > available) return (long)(claim * available / claimed);

        BigInteger parentUse = parent.Memory.CurrentBytes;
        BigInteger use = group.Memory.CurrentBytes;
        bool sharesMore = sharesUnclaimed && available > claimed && parentUse > claimed && use > claim;
        return (long)(claim + (sharesMore ? (available - claimed) * (use - claim) / (parentUse - claimed) : 0));
    }

    private BigInteger Claim(MemoryGroup group) => BigInteger.Min(group.Memory.CurrentBytes, configured(group));
}
