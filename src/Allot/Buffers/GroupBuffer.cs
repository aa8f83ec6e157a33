// One block that a group pays for, with an owner: under all that is in this folder.
//
// What is here is small, and new for each buffer, because it has to know for ever that it was disposed. All the rest is
// in its BufferBlock, which is used again: by then nothing of an earlier life refers to it, or it would not be found
// dead.

using System.Buffers;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Allot;

internal sealed unsafe class GroupBuffer : MemoryManager<byte>
{
    // The life of the block that is this buffer's.
    private readonly long _life;

    // Null once it was freed.
    private BufferBlock? _block;

    private GroupBuffer(MemoryGroup group)
    {
        _block = BufferBlock.Take(out _life);
        if (AllocationChecks.IsEnabled) _block.Origin = new BufferOrigin(group, Here());
    }

    /// <summary>What is charged, and may be used, until it is disposed.</summary>
    public long Bytes => _block?.Bytes ?? 0;

    /// <summary>Where it was allocated, while <see cref="AllocationChecks"/> are on.</summary>
    public StackTrace? Place => _block?.Origin?.Place;

    /// <summary>The first byte.</summary>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    public byte* Pointer
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            BufferBlock? block = _block;
            if (block is null || !block.IsIn(_life)) ThrowDisposed();
            return block.Address;
        }
    }

    /// <summary>Allocates a buffer, as the allocator of blocks does.</summary>
    /// <param name="group">Who pays.</param>
    /// <param name="kind">As what.</param>
    /// <param name="bytes">The least size.</param>
    /// <exception cref="MemoryLimitExceededException">A limit refused, or the group has ended.</exception>
    /// <exception cref="InsufficientMemoryException">The system has no memory.</exception>
    public static GroupBuffer Allocate(MemoryGroup group, MemoryKind kind, long bytes)
    {
        var buffer = new GroupBuffer(group);   // first: after the charge nothing can fail
        buffer.Attach(kind == MemoryKind.User
            ? GroupMemory.Allocate(group, (nuint)bytes)
            : group.Allocator(kind).Allocate((nuint)bytes));
        return buffer;
    }

    /// <summary>The same for a call that says itself what may be done to find room, and what the memory is
    /// like.</summary>
    /// <inheritdoc cref="GroupMemory.Allocate(MemoryGroup, nuint, AllocationFlags)"/>
    public static GroupBuffer Allocate(MemoryGroup group, MemoryKind kind, long bytes, AllocationFlags flags)
    {
        var buffer = new GroupBuffer(group);
        buffer.Attach(group.Allocator(kind).Allocate((nuint)bytes, flags));
        if ((flags & AllocationFlags.Zero) != 0) buffer.Clear();
        return buffer;
    }

    /// <summary>The same, held as the options say.</summary>
    /// <inheritdoc cref="Allocate(MemoryGroup, MemoryKind, long)"/>
    /// <param name="group">Who pays.</param>
    /// <param name="options">As what, and how it is held.</param>
    /// <param name="bytes">The least size.</param>
    /// <exception cref="MemoryLockException">The system did not lock it; nothing is charged.</exception>
    public static GroupBuffer Allocate(MemoryGroup group, GroupBufferOptions options, long bytes)
    {
        GroupBuffer buffer = options.Flags == AllocationFlags.Kernel
            ? Allocate(group, options.Kind, bytes)
            : Allocate(group, options.Kind, bytes, options.Flags);
        buffer.Hold(group, options.HeldAs);
        return buffer;
    }

    /// <inheritdoc cref="Allocate(MemoryGroup, GroupBufferOptions, long)"/>
    public static GroupBuffer Allocate(MemoryGroup group, GroupBufferOptions options, long bytes, AllocationFlags flags)
    {
        GroupBuffer buffer = Allocate(group, options.Kind, bytes, flags);
        buffer.Hold(group, options.HeldAs);
        return buffer;
    }

    /// <summary>The same, at once or not at all, also where the system does not lock.</summary>
    /// <returns>Null when it was refused; nothing is charged.</returns>
    public static GroupBuffer? TryAllocate(MemoryGroup group, GroupBufferOptions options, long bytes)
    {
        try
        {
            GroupBuffer? buffer = TryAllocate(group, options.Kind, bytes, out _);
            if (buffer is not null && (options.Flags & AllocationFlags.Zero) != 0) buffer.Clear();
            if (buffer is null || options.HeldAs is not { } kind || buffer.TryHold(group, kind, out _)) return buffer;
        }
        catch (MemoryLockException)
        {
            // It was an attempt.
        }

        return null;
    }

    /// <summary>The same, at once or not at all.</summary>
    /// <inheritdoc cref="Allocate(MemoryGroup, MemoryKind, long)"/>
    /// <param name="group">Who pays.</param>
    /// <param name="kind">As what.</param>
    /// <param name="bytes">The least size.</param>
    /// <param name="refusal">When null is returned: who refused.</param>
    public static GroupBuffer? TryAllocate(
        MemoryGroup group, MemoryKind kind, long bytes, out ChargeRefusal refusal)
    {
        refusal = default;
        byte* block = kind == MemoryKind.User
            ? SlabPath.TryTake((ThreadHeap*)ThreadPlaces.Blocks, (nuint)bytes, group.Memory)
            : null;
        if (block == null) block = group.Allocator(kind).TryAllocate((nuint)bytes, out refusal);
        if (block == null) return null;
        try
        {
            var buffer = new GroupBuffer(group);
            buffer.Attach(block);
            return buffer;
        }
        catch
        {
            GroupMemory.Free(block);
            throw;
        }
    }

    public override Span<byte> GetSpan() => new(Pointer, (int)Math.Min(Bytes, int.MaxValue));

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(elementIndex);
        BufferBlock? block = _block;
        if (block is null || !block.TryPin(_life)) ThrowDisposed();
        if (elementIndex > block.Bytes)
        {
            Unpin();
            throw new ArgumentOutOfRangeException(nameof(elementIndex), elementIndex, $"The buffer has {Bytes} bytes.");
        }

        return new MemoryHandle(block.Address + elementIndex, pinnable: this);
    }

    public override void Unpin()
    {
        BufferBlock block = _block ?? throw BufferBlock.NotPinned();
        if (block.Unpin(_life)) _block = null;
    }

    /// <summary>Frees the block, or has the last pin free it. Safe to call twice, and from any thread.</summary>
    [SuppressMessage("Usage", "CA1816", Justification = "There is no finalizer here.")]
    public void Dispose()
    {
        if (_block is { } block && block.Dispose(_life)) _block = null;
    }

    /// <summary>As the finalizer of the block does it.</summary>
    internal void FreeForgotten() => _block?.FreeForgotten();

    protected override void Dispose(bool disposing) => Dispose();

    [MethodImpl(MethodImplOptions.NoInlining)]   // the one frame that is left out
    private static StackTrace Here() => new(skipFrames: 1, fNeedFileInfo: true);

    private void Attach(byte* block) => _block!.Begin(_life, block);

    private void Clear() => GroupAllocator.Clear(Pointer, (nuint)Bytes);

    private void Hold(MemoryGroup group, PinKind? kind)
    {
        if (kind is not { } held || TryHold(group, held, out ChargeRefusal refusal)) return;
        throw new MemoryLimitExceededException(refusal);
    }

    // Disposes the buffer when it is refused.
    private bool TryHold(MemoryGroup group, PinKind kind, out ChargeRefusal refusal)
    {
        BufferHold? hold = null;
        try
        {
            hold = BufferHold.TryTake(group, kind, ((nint)Pointer, Bytes), out refusal);
            _block!.Hold = hold;
            return hold is not null;
        }
        finally
        {
            if (hold is null) Dispose();
        }
    }

    [DoesNotReturn]
    private static void ThrowDisposed() => throw new ObjectDisposedException(
        "a buffer of a group", "The buffer was disposed, and its memory may be somebody else's by now.");
}
