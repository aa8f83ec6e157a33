namespace Allot;

/// <summary>What an <see cref="ObjectCache{T}"/> is like.</summary>
public sealed class ObjectCacheOptions
{
    /// <summary>The kind of memory that groups are charged with. Default: kernel memory, what the host keeps on their
    /// behalf.</summary>
    public MemoryKind Kind { get; init; } = MemoryKind.Kernel;

    /// <summary>The alignment of the objects in bytes: a power of two up to 4096. Default: 16, which is also the
    /// least.</summary>
    public int AlignmentBytes { get; init; } = 16;

    /// <summary>Whether each group has slabs of its own, so that objects of two groups are never in the same 64 KiB.
    /// Default: false; slabs are shared, which is denser.</summary>
    public bool HasPrivateSlabs { get; init; }

    internal void Validate()
    {
        GroupCharging.ValidateKind(Kind);
        ArgumentOutOfRangeException.ThrowIfLessThan(AlignmentBytes, 1, nameof(AlignmentBytes));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(AlignmentBytes, 4096, nameof(AlignmentBytes));
        if (!int.IsPow2(AlignmentBytes))
        {
            throw new ArgumentOutOfRangeException(
                nameof(AlignmentBytes), AlignmentBytes, "The alignment is a power of two.");
        }
    }
}
