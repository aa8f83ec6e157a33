namespace Allot;

/// <summary>A line of <see cref="SlabInfo"/>.</summary>
internal readonly record struct SlabInfoLine(string Name, long Active, long Total, int BlockBytes)
{
    public int BlocksPerSlab { get; init; }

    public long SlabBytes { get; init; }

    /// <summary>Free blocks that one thread keeps at most.</summary>
    public int Limit { get; init; }

    public int Batch { get; init; }

    /// <summary>Batches that are kept between threads at most.</summary>
    public int Batches { get; init; }

    public int Slabs { get; init; }

    /// <summary>Free blocks that lie between threads.</summary>
    public long Between { get; init; }
}
