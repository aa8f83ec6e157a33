namespace Allot.Benchmarks.Charge;

/// <summary>One way to charge: what is compared.</summary>
/// <param name="Name">Its name in the tables.</param>
/// <param name="Plant">Makes a tree: the number of levels from leaf to root, the root counted, and the number of
/// leaves. Every level has a limit that is never reached. With one level each leaf is a root, and there are as many
/// trees.</param>
internal sealed record Subject(string Name, Func<int, int, ChargeTree> Plant)
{
    /// <summary>The limit of every level.</summary>
    public const long LimitBytes = 1L << 40;

    /// <summary>Whether a tree belongs to one thread.</summary>
    public bool IsForOneThread { get; init; }

    /// <summary>Whether there is something to compile into the loop.</summary>
    public bool CanBeInlined { get; init; } = true;

    /// <summary>What is expected of it; null for a peer.</summary>
    public ChargeGoals? Goals { get; init; }
}

/// <summary>Goals at depth 5, as ratios to plain Interlocked on every level.</summary>
/// <param name="PairMax">Charge and uncharge.</param>
/// <param name="BurstMax">256 charges, then 256 uncharges.</param>
internal sealed record ChargeGoals(double PairMax, double BurstMax);
