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
        ArgumentOutOfRangeException.ThrowIfLessThan(minBufferSize, -1);
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        int bytes = minBufferSize < 0 ? DefaultBytes : minBufferSize;
        return Group is { } group ? GroupBuffer.Allocate(group, _kind, bytes) : RentForCurrent(bytes);
    }

    /// <summary>What is rented stays valid.</summary>
    /// <param name="disposing">Always true.</param>
    protected override void Dispose(bool disposing) => _isDisposed = Group is not null;

    private static GroupBuffer RentForCurrent(int bytes)
    {
        while (AllocationContext.ActiveGroup is { } current)
        {
            try
            {
                return GroupBuffer.Allocate(current, MemoryKind.User, bytes);
            }
            catch (MemoryLimitExceededException refused) when (refused.Refusal.IsForHeir)
            {
                // Removed since it was found: its heir pays.
            }
        }

        return GroupBuffer.Allocate(s_nobody, MemoryKind.User, bytes);
    }
}
