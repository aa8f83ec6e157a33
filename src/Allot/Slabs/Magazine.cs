namespace Allot;

/// <summary>Free blocks of one class as an array of 8-byte entries, passed on as a whole (J. Bonwick, Magazines and
/// Vmem, 2001).</summary>
/// <remarks>
/// Before its first entry lies <see cref="Bottom"/>: what is read there matches no owner, so taking a block has no
/// test for an empty magazine.
/// <code>entry == offset of the block in the arena | tag of its owner</code>
/// The owner is the one that is recorded for the block. That cannot change while the block is free, but from none to
/// one for the whole unit, so an entry with an owner is never out of date.
/// </remarks>
internal static unsafe class Magazine
{
    public const int OwnerShift = 40;
    public const ulong OffsetMask = (1UL << OwnerShift) - 1;
    public const ulong Bottom = ulong.MaxValue;

    /// <summary>The tag of a block that nobody has owned yet.</summary>
    public const ulong Unowned = 0xFF_FFFEUL << OwnerShift;

    /// <summary>A tag that no block has.</summary>
    public const ulong NoTag = 0;

    public static ulong TagOf(int owner)
    {
        if (owner > 0) return (ulong)owner << OwnerShift;
        return owner == SlabUnit.NoOwner ? Unowned : NoTag;
    }

    public static nuint BytesFor(int batch) => ((nuint)batch + 1) * sizeof(ulong);

    /// <summary>An empty magazine.</summary>
    /// <returns>Null when the system has no memory.</returns>
    public static ulong* TryMake(MetadataBlocks metadata, int batch)
    {
        var made = (ulong*)metadata.TryAllocate(BytesFor(batch));
        if (made != null) made[0] = Bottom;
        return made;
    }
}
