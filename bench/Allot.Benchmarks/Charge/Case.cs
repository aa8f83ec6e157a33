namespace Allot.Benchmarks.Charge;

/// <summary>What is done, and by whom: one number of the page.</summary>
internal sealed record Case(Subject Subject)
{
    /// <summary>The length of a burst.</summary>
    public const int BurstSize = 256;

    public CaseKind Kind { get; init; } = CaseKind.Pair;

    public long Bytes { get; init; } = 64;

    /// <summary>Levels from leaf to root, the root counted.</summary>
    public int Depth { get; init; } = 5;

    public int Threads { get; init; } = 1;

    /// <summary>Leaves that a thread charges in turn.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>Whether each thread has leaves of its own; all leaves have the same ancestors.</summary>
    public bool AreSiblings { get; init; }

    /// <summary>Whether this subject can do it.</summary>
    public bool IsPossible => Bytes <= Subject.MostBytes && !(Subject.IsForOneThread && Threads > 1)
        && (Depth > 1 || Leaves == 1);

    public int Leaves => AreSiblings ? Groups * Threads : Groups;

    public override string ToString() => $"{Subject.Name}, {Kind}, {Bytes} bytes, depth {Depth}, {Threads} threads, "
        + $"{Groups} groups{(AreSiblings ? " each" : "")}";
}

/// <summary>What is done.</summary>
internal enum CaseKind
{
    /// <summary>A charge and its uncharge, at once; two calls.</summary>
    Pair,

    /// <summary>The same, compiled into the loop that does it.</summary>
    InlinedPair,

    /// <summary>Many charges, then as many uncharges; counted in pairs.</summary>
    Burst,
}
