namespace Allot;

/// <summary>What can be changed of an <see cref="ObjectCache{T}"/> while it is in use.</summary>
public sealed record ObjectCacheTunables
{
    /// <summary>Full batches of free objects that are kept between threads, 0 to 4096; null for as many as make
    /// 1 MiB. Default: null.</summary>
    public int? BatchesKept { get; init; }

    /// <summary>Slabs without an object in use that are kept, besides the one that is filled next. Default: 0; they
    /// are given back at once.</summary>
    public int EmptySlabsKept { get; init; }

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegative(EmptySlabsKept, nameof(EmptySlabsKept));
        if (BatchesKept is not { } batches) return;
        ArgumentOutOfRangeException.ThrowIfNegative(batches, nameof(BatchesKept));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(batches, 4096, nameof(BatchesKept));
    }
}
