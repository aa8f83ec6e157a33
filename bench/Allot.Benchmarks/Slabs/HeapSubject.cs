namespace Allot.Benchmarks.Slabs;

/// <summary>One allocator: what is compared.</summary>
/// <param name="Name">Its name in the tables.</param>
/// <param name="Make">Makes loops; the argument is the number of levels of the tree, the root counted.</param>
internal sealed record HeapSubject(string Name, Func<int, HeapLoop> Make)
{
    /// <summary>Whether a tree pays for its blocks.</summary>
    public bool IsOurs { get; init; }

    /// <summary>Whether it allocates on the managed heap.</summary>
    public bool IsManaged { get; init; }

    public override string ToString() => Name;
}
