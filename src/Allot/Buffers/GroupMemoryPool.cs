using System.Buffers;

namespace Allot;

/// <summary>A pool of buffers that groups pay for: wherever a <see cref="MemoryPool{T}"/> is taken, pipes for
/// instance.</summary>
/// <remarks>All methods may be used from any thread. A buffer is native memory. It can be disposed twice, and from two
/// threads at once; used after that it throws <see cref="ObjectDisposedException"/>. A pinned one stays until it is
/// unpinned. A span of it is memory as it is: it must not be used after the buffer was disposed, and it does not keep
/// the buffer alive.</remarks>
public sealed class GroupMemoryPool : MemoryPool<byte>
{
    private const int DefaultBytes = 4096;

    // Who pays where there is no current group: a tree of its own, which nobody sees.
    private static readonly MemoryGroup s_nobody = new MemoryController().Root;

    private readonly MemoryKind _kind;
    private volatile bool _isDisposed;

    private GroupMemoryPool()
    {
    }

    /// <summary>A pool for a group.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="kind">The kind of memory that it pays for.</param>
    /// <exception cref="ArgumentOutOfRangeException">The kind is unknown.</exception>
    public GroupMemoryPool(MemoryGroup group, MemoryKind kind = MemoryKind.User)
    {
        ArgumentNullException.ThrowIfNull(group);
        GroupCharging.ValidateKind(kind);
        Group = group;
        _kind = kind;
    }

    /// <summary>The pool that charges the current group of whoever rents (<see cref="AllocationContext.ActiveGroup"/>),
    /// and nobody where there is none. To dispose it does nothing.</summary>
    public static GroupMemoryPool Ambient { get; } = new();

    /// <summary>The same as <see cref="Ambient"/>: a group's pool is not confused with that of the process, which
    /// charges nobody.</summary>
    public static new GroupMemoryPool Shared => Ambient;

    /// <summary>Who pays; null for whoever is current.</summary>
    public MemoryGroup? Group { get; }

    /// <summary><see cref="int.MaxValue"/>: there is no size for which a client has to go elsewhere, past the account.
    /// </summary>
    public override int MaxBufferSize => int.MaxValue;

    /// <summary>Rents a buffer, and charges the group for it. Like <c>Charge</c>, it reclaims where a limit refuses,
    /// and may block for that.</summary>
    /// <param name="minBufferSize">The least size in bytes; -1 for 4096.</param>
    /// <returns>A buffer of at least that size: all that the group pays for can be used. What is in it is undefined.
    /// Dispose it.</returns>
    /// <exception cref="MemoryLimitExceededException">A limit refused and nothing more could be reclaimed, or the
    /// group has ended; nothing is charged.</exception>
    /// <exception cref="InsufficientMemoryException">The system has no memory; nothing is charged.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The size is below -1.</exception>
    /// <exception cref="ObjectDisposedException">The pool is disposed.</exception>
    public override IMemoryOwner<byte> Rent(int minBufferSize = -1)
    {
        int bytes = Validate(minBufferSize);
        return Group is { } group ? GroupBuffer.Allocate(group, _kind, bytes) : RentForCurrent(bytes, flags: null);
    }

    /// <summary>The same for a call that says itself what may be done to find room, and what the memory is like. The
    /// scopes around it can only permit less.</summary>
    /// <inheritdoc cref="Rent(int)"/>
    /// <param name="minBufferSize">The least size in bytes; -1 for 4096.</param>
    /// <param name="flags">As for <c>Charge</c> of the group; with <see cref="AllocationFlags.Zero"/> the whole buffer
    /// is zeros. Who pays is the pool's to say.</param>
    /// <exception cref="MustSucceedInAtomicException">The request must succeed, and the context is
    /// atomic.</exception>
    /// <exception cref="ArgumentException">The request must succeed, and may not reclaim.</exception>
    public IMemoryOwner<byte> Rent(int minBufferSize, AllocationFlags flags)
    {
        int bytes = Validate(minBufferSize);
        return Group is { } group ? GroupBuffer.Allocate(group, _kind, bytes, flags) : RentForCurrent(bytes, flags);
    }

    /// <summary>What is rented stays valid.</summary>
    /// <param name="disposing">Always true.</param>
    protected override void Dispose(bool disposing) => _isDisposed = Group is not null;

    private int Validate(int minBufferSize)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(minBufferSize, -1);
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return minBufferSize < 0 ? DefaultBytes : minBufferSize;
    }

    private static GroupBuffer RentForCurrent(int bytes, AllocationFlags? flags)
    {
        while (AllocationContext.ActiveGroup is { } current)
        {
            try
            {
                return Rent(current, bytes, flags);
            }
            catch (MemoryLimitExceededException refused) when (refused.Refusal.IsForHeir)
            {
                // Removed since it was found: its heir pays.
            }
        }

        return Rent(s_nobody, bytes, flags);
    }

    private static GroupBuffer Rent(MemoryGroup group, int bytes, AllocationFlags? flags) => flags is { } permitted
        ? GroupBuffer.Allocate(group, MemoryKind.User, bytes, permitted)
        : GroupBuffer.Allocate(group, MemoryKind.User, bytes);
}
