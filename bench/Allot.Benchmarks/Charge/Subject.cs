namespace Allot.Benchmarks.Charge;

/// <summary>One way to charge: what is compared.</summary>
/// <param name="Name">Its name in the tables.</param>
/// <param name="Plant">Makes a tree: the number of levels from leaf to root, the root counted, and the number of
/// leaves. Every level has a limit that is never reached. One level has one leaf, the root itself.</param>
internal sealed record Subject(string Name, Func<int, int, ChargeTree> Plant)
{
    /// <summary>The limit of every level.</summary>
    public const long LimitBytes = 1L << 40;

    /// <summary>Whether it only works on one thread.</summary>
    public bool IsForOneThread { get; init; }

    /// <summary>The largest amount it is measured with.</summary>
    public long MostBytes { get; init; } = long.MaxValue;

    /// <summary>What is expected of it; null for a peer.</summary>
    public ChargeGoals? Goals { get; init; }
}

/// <summary>Goals at depth 5, as ratios to plain Interlocked on every level.</summary>
/// <param name="PairMax">Charge and uncharge.</param>
/// <param name="BurstMax">256 charges, then 256 uncharges.</param>
internal sealed record ChargeGoals(double PairMax, double BurstMax);
