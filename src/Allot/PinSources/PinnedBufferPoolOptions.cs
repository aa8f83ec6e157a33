namespace Allot;

/// <summary>How a <see cref="PinnedBufferPool"/> works.</summary>
public sealed class PinnedBufferPoolOptions
{
    /// <summary>The most bytes of free buffers that the pool keeps, besides a buffer or two of each size for each
    /// processor; 0 or more. Default: 8 MiB. They stay pinned, and charged.</summary>
    public long IdleBytesMax { get; init; } = 8 << 20;
}
