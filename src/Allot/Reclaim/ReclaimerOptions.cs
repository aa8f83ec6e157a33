namespace Allot;

/// <summary>How a reclaimer wants to be asked.</summary>
public sealed class ReclaimerOptions
{
    /// <summary>The largest default batch.</summary>
    internal const long DefaultBatchBytesMax = 64 << 10;

    /// <summary>How dear it is to make again what it gives back; 0 or more. At twice the cost it is asked for half as
    /// much; 0 means that it is made again for nothing. Linux says seeks. Default: 2.</summary>
    public int Cost { get; set; } = 2;

    /// <summary>The least that is worth asking for, in bytes; 1 or more. Smaller shares add up until they reach it.
    /// Default, and null: a sixteenth of what the reclaimer holds, at most 64 KiB.</summary>
    public long? BatchBytes { get; set; }

    /// <summary>The kind of memory it gives back. When the limit of kernel memory is met, those that give user memory
    /// back are not asked. Default, and null: what it gives shows which. It is asked at any limit, until it was asked
    /// at one of kernel memory and only gave user memory.</summary>
    public MemoryKind? Kind { get; set; }

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegative(Cost);
        if (BatchBytes is { } bytes) ArgumentOutOfRangeException.ThrowIfNegativeOrZero(bytes, nameof(BatchBytes));
        if (Kind is not (null or MemoryKind.User or MemoryKind.Kernel))
        {
            throw new ArgumentOutOfRangeException(nameof(Kind), Kind, "The kind is User or Kernel.");
        }
    }
}
