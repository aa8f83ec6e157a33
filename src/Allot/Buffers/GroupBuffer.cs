// One block that a group pays for, with an owner: under all that is in this folder.
//
// Life. _state holds in bit 0 whether it was disposed, and above it how often it is pinned. The block is freed once, by
// whoever makes the state Disposed without pins: Dispose if nobody has it pinned, otherwise the last Unpin. Both act on
// the one word, so of two threads that dispose at once one frees.
//
// Who has not disposed it loses it to the collector: the finalizer frees the block and counts a leak. A span into the
// block does not keep this object alive, and a span may be all that is left of it in a method. So the finalizer frees
// only at the second collection that finds the object dead, which is of an older generation and comes much later.

using System.Buffers;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Allot;

internal sealed unsafe class GroupBuffer : MemoryManager<byte>, IMemoryOwner<byte>
{
    private const int Disposed = 1, OnePin = 2;

    private readonly StackTrace? _place;
    private byte* _block;
    private int _state;
    private bool _wasFoundDead;

    private GroupBuffer(MemoryGroup group)
    {
        Group = group;
        if (AllocationChecks.IsEnabled) _place = Here();
    }

    [SuppressMessage("Reliability", "CA2015", Justification = "Frees late: see above.")]
    ~GroupBuffer()
    {
        if (_block == null) return;
        if (_wasFoundDead)
        {
            BufferLeaks.Note(this);
            Free();
            return;
        }

        _wasFoundDead = true;
        GC.ReRegisterForFinalize(this);
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

    /// <summary>The same, at once or not at all.</summary>
    /// <inheritdoc cref="Allocate"/>
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
    [SuppressMessage("Usage", "CA1816", Justification = "What is pinned has to be found when its pin is lost.")]
    public void Dispose() => Dispose(disposing: true);

    [SuppressMessage("Usage", "CA1816", Justification = "What is pinned has to be found when its pin is lost.")]
    void IDisposable.Dispose() => Dispose(disposing: true);

    protected override void Dispose(bool disposing)
    {
        int before = Interlocked.Or(ref _state, Disposed);
        if (before == 0) Free();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]   // the one frame that is left out
    private static StackTrace Here() => new(skipFrames: 1, fNeedFileInfo: true);

    private void Attach(byte* block)
    {
        Bytes = GroupMemory.BytesOf(block);
        _block = block;
    }

    [SuppressMessage("Usage", "CA1816", Justification = "Not before the block is free, which may be after Dispose.")]
    private void Free()
    {
        byte* block = _block;
        Debug.Assert(block != null, "A block is freed once.");
        _block = null;
        GC.SuppressFinalize(this);
        GroupMemory.Free(block);
    }

    [DoesNotReturn]
    private static void ThrowDisposed() => throw new ObjectDisposedException(
        "a buffer of a group", "The buffer was disposed, and its memory may be somebody else's by now.");
}
