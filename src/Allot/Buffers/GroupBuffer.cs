// One block that a group pays for, with an owner: under all that is in this folder.
//
// Life. _state holds in bit 0 whether it was disposed, and above it how often it is pinned. The block is freed once, by
// whoever makes the state Disposed without pins: Dispose if nobody has it pinned, otherwise the last Unpin. Both act on
// the one word, so of two threads that dispose at once one frees. What nobody can reach any more is freed by its guard
// (LeakGuard), which leaves a pin behind that nobody takes off.

using System.Buffers;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Allot;

internal sealed unsafe class GroupBuffer : MemoryManager<byte>
{
    private const int Disposed = 1, OnePin = 2, PinnedForEver = 1 << 30;

    private readonly StackTrace? _place;
    private BufferHold? _hold;
    private LeakGuard? _guard;
    private byte* _block;
    private int _state;

    private GroupBuffer(MemoryGroup group)
    {
        Group = group;
        _guard = LeakGuard.Take();
        if (AllocationChecks.IsEnabled) _place = Here();
    }

    /// <summary>Who was charged.</summary>
    public MemoryGroup Group { get; }

    /// <summary>What is charged, and may be used.</summary>
    public long Bytes { get; private set; }

    /// <summary>Where it was allocated, while <see cref="AllocationChecks"/> are on.</summary>
    public StackTrace? Place => _place;

    /// <summary>The first byte.</summary>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    public byte* Pointer
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            if ((_state & Disposed) != 0) ThrowDisposed();
            return _block;
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
        if ((flags & AllocationFlags.Zero) != 0) GroupAllocator.Clear(buffer._block, (nuint)buffer.Bytes);
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
        buffer.Hold(options.HeldAs);
        return buffer;
    }

    /// <inheritdoc cref="Allocate(MemoryGroup, GroupBufferOptions, long)"/>
    public static GroupBuffer Allocate(MemoryGroup group, GroupBufferOptions options, long bytes, AllocationFlags flags)
    {
        GroupBuffer buffer = Allocate(group, options.Kind, bytes, flags);
        buffer.Hold(options.HeldAs);
        return buffer;
    }

    /// <summary>The same, at once or not at all, also where the system does not lock.</summary>
    /// <returns>Null when it was refused; nothing is charged.</returns>
    public static GroupBuffer? TryAllocate(MemoryGroup group, GroupBufferOptions options, long bytes)
    {
        try
        {
            GroupBuffer? buffer = TryAllocate(group, options.Kind, bytes, out _);
            if (buffer is not null && (options.Flags & AllocationFlags.Zero) != 0)
            {
                GroupAllocator.Clear(buffer._block, (nuint)buffer.Bytes);
            }

            if (buffer is null || options.HeldAs is not { } kind || buffer.TryHold(kind, out _)) return buffer;
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
        byte* block = group.Allocator(kind).TryAllocate((nuint)bytes, out refusal);
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
        ArgumentOutOfRangeException.ThrowIfGreaterThan(elementIndex, Bytes);
        int before = Volatile.Read(ref _state);
        while (true)
        {
            if ((before & Disposed) != 0) ThrowDisposed();
            int seen = Interlocked.CompareExchange(ref _state, checked(before + OnePin), before);
            if (seen == before) return new MemoryHandle(_block + elementIndex, pinnable: this);
            before = seen;
        }
    }

    public override void Unpin()
    {
        int before = Volatile.Read(ref _state);
        while (true)
        {
            if (before < OnePin) throw new InvalidOperationException("The buffer is unpinned more often than pinned.");
            int seen = Interlocked.CompareExchange(ref _state, before - OnePin, before);
            if (seen == before) break;
            before = seen;
        }

        if (before - OnePin == Disposed) Free();
    }

    /// <summary>Frees the block, or has the last pin free it. Safe to call twice, and from any thread.</summary>
    [SuppressMessage("Usage", "CA1816", Justification = "There is no finalizer here.")]
    public void Dispose() => Dispose(disposing: true);

    /// <summary>Nobody can reach the buffer any more: frees the block if nobody has, and counts the leak.</summary>
    public void FreeForgotten()
    {
        int before = Volatile.Read(ref _state);
        while (true)
        {
            bool isFree = before is Disposed or >= PinnedForEver;
            if (isFree) return;
            int seen = Interlocked.CompareExchange(ref _state, before | Disposed | PinnedForEver, before);
            if (seen == before) break;
            before = seen;
        }

        BufferLeaks.Note(this);
        _hold?.ReportLeak();
        _hold?.Dispose();
        GroupMemory.Free(_block);
    }

    protected override void Dispose(bool disposing)
    {
        int before = Interlocked.Or(ref _state, Disposed);
        if (before == 0) Free();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]   // the one frame that is left out
    private static StackTrace Here() => new(skipFrames: 1, fNeedFileInfo: true);

    private void Attach(byte* block)
    {
        Bytes = GroupMemory.Shared.UsableBytesOf(block);
        _block = block;
        _guard!.Guard(this);
    }

    private void Hold(PinKind? kind)
    {
        if (kind is not { } held || TryHold(held, out ChargeRefusal refusal)) return;
        throw new MemoryLimitExceededException(refusal);
    }

    // Disposes the buffer when it is refused.
    private bool TryHold(PinKind kind, out ChargeRefusal refusal)
    {
        try
        {
            _hold = BufferHold.TryTake(Group, kind, ((nint)_block, Bytes), out refusal);
            return _hold is not null;
        }
        finally
        {
            if (_hold is null) Dispose();
        }
    }

    private void Free()
    {
        Debug.Assert(_state == Disposed, "A block is freed once, when nobody has it any more.");
        LeakGuard guard = _guard!;
        _guard = null;
        guard.Leave();
        _hold?.Dispose();
        GroupMemory.Free(_block);
    }

    [DoesNotReturn]
    private static void ThrowDisposed() => throw new ObjectDisposedException(
        "a buffer of a group", "The buffer was disposed, and its memory may be somebody else's by now.");
}
