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

    /// <summary>Leaves that a thread charges in turn. At depth 1 each is a tree.</summary>
    public int Groups { get; init; } = 1;

    /// <summary>What two threads have in common.</summary>
    public CaseSharing Sharing { get; init; }

    /// <summary>Whether this subject can do it.</summary>
    public bool IsPossible => (Kind != CaseKind.InlinedPair || Subject.CanBeInlined)
        && (Threads == 1 || Sharing == CaseSharing.Nothing || !Subject.IsForOneThread)
        && (Depth > 1 || Sharing != CaseSharing.Ancestors);

    public override string ToString() => $"{Subject.Name}, {Kind}, {Bytes} bytes, depth {Depth}, {Threads} threads, "
        + $"{Groups} groups, sharing {Sharing}";
}

/// <summary>What threads have in common.</summary>
internal enum CaseSharing
{
    /// <summary>All: they charge the same leaves.</summary>
    Leaves,

    /// <summary>What is above their leaves, which are siblings.</summary>
    Ancestors,

    /// <summary>Each has a tree of its own, and no limit holds for both.</summary>
    Nothing,
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
