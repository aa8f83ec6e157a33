// Buffers for input and output that never move, and are used again and again: the collector has nothing to do for them,
// and the system can be given their addresses. A buffer is charged from when it is made until it is let go of, and not
// only while it is rented: it is pinned all the time.

using System.Buffers;
using System.Numerics;

namespace Allot;

/// <summary>A pool of buffers on the pinned heap that a group pays for: as memory and as pins.</summary>
/// <remarks>
/// <para>All members may be used from any thread. Sizes are powers of two from 4 KiB to 1 MiB; larger buffers are made
/// for one use. Content is undefined. Disposing a buffer twice, or after the pool, does no harm.</para>
/// <para>Free buffers stay charged. They are let go of when they are in the way: of another pin, by whomever, that a
/// limit of pins would refuse; when memory of the group is reclaimed; by <see cref="Trim"/>; when the group is removed;
/// and when the pool is disposed. A pool or a buffer that is forgotten gives back when it is collected, which is
/// counted as a leak.</para>
/// </remarks>
public sealed class PinnedBufferPool : MemoryPool<byte>
{
    internal const int Sizes = 9;
    private const int SmallestLog2 = 12, LargestBytes = 1 << (SmallestLog2 + Sizes - 1);

    private readonly IdleBlocks _idle;
    private readonly IDisposable? _registration;
    private volatile bool _disposed;

    /// <summary>Creates a pool that has no buffers yet.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="options">How it works; the defaults when null.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is negative.</exception>
    /// <exception cref="InvalidOperationException">The group was removed.</exception>
    public PinnedBufferPool(MemoryGroup group, PinnedBufferPoolOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(group);
        options ??= new PinnedBufferPoolOptions();
        ArgumentOutOfRangeException.ThrowIfNegative(options.IdleBytesMax, nameof(options));
        Group = group;
        _idle = new IdleBlocks(options.IdleBytesMax);
        _registration = group.Register(new Reclaimer(_idle));
    }

    /// <summary>Gives back what was forgotten.</summary>
    ~PinnedBufferPool()
    {
        if (_registration is null) return;   // the constructor has thrown
        _registration.Dispose();
        _idle.CloseForgotten();
    }

    /// <summary>The group that pays.</summary>
    public MemoryGroup Group { get; }

    /// <summary>The bytes of free buffers.</summary>
    public long IdleBytes => _idle.Bytes;

    /// <inheritdoc/>
    public override int MaxBufferSize => Array.MaxLength;

    /// <summary>Rents a buffer. Where a limit refuses, free buffers of other sizes are let go of first.</summary>
    /// <param name="minBufferSize">How much it has to hold; -1 for the smallest there is.</param>
    /// <exception cref="MemoryLimitExceededException">A limit refused, or the group has ended.</exception>
    /// <exception cref="ArgumentOutOfRangeException">No array can be so large, or it is negative.</exception>
    /// <exception cref="ObjectDisposedException">The pool is disposed.</exception>
    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        uint bytes = minBufferSize < 0 ? (uint)ValidateDefault(minBufferSize) : (uint)minBufferSize;
        int sizeClass = bytes <= 1 << SmallestLog2 ? 0 : BitOperations.Log2(bytes - 1) + 1 - SmallestLog2;
        ObjectDisposedException.ThrowIf(_disposed, this);
        PooledBlock? block = sizeClass < Sizes ? _idle.TryTake(sizeClass) : null;
        return new PooledBuffer(this, block ?? MakeBlock((int)bytes, sizeClass));
    }

    /// <summary>Lets go of all free buffers.</summary>
    /// <returns>The bytes that are charged no longer.</returns>
    public long Trim() => _idle.Free(long.MaxValue);

    /// <summary>A buffer is used no more.</summary>
    internal void Return(PooledBlock block)
    {
        if (block.SizeClass < 0 || !_idle.TryKeep(block)) block.Dispose();
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (!disposing || _disposed) return;
        _disposed = true;
        _registration!.Dispose();
        _idle.Close();
    }

    private PooledBlock MakeBlock(int bytes, int sizeClass)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, MaxBufferSize);
        bool isLarge = sizeClass >= Sizes;
        int blockBytes = isLarge ? bytes : 1 << (SmallestLog2 + sizeClass);
        try
        {
            return new PooledBlock(Group, blockBytes, isLarge ? -1 : sizeClass);
        }
        catch (MemoryLimitExceededException) when (Trim() > 0)
        {
            return new PooledBlock(Group, blockBytes, isLarge ? -1 : sizeClass);
        }
    }

    private static int ValidateDefault(int minBufferSize) => minBufferSize == -1
        ? 0
        : throw new ArgumentOutOfRangeException(nameof(minBufferSize), minBufferSize, "A size is -1, or 0 or more.");

    // It does not know the pool, so that one which is forgotten can be collected.
    private sealed class Reclaimer(IdleBlocks idle) : IIdlePins
    {
        public ReclaimNeeds Needs => ReclaimNeeds.None;

        public long IdlePinBytes => idle.Bytes;

        public long CountBytes(MemoryGroup group) => idle.Bytes;

        public long Reclaim(MemoryGroup group, long targetBytes) => idle.Free(targetBytes);

        public long FreePins(long targetBytes) => idle.Free(targetBytes);

        public void GroupRemoved() => idle.Close();
    }
}
