using System.Buffers;

namespace Allot;

/// <summary>A writer that grows, in memory that a group pays for: for all that writes to an
/// <see cref="IBufferWriter{T}"/>, such as JSON.</summary>
/// <remarks>For one thread at a time. Growing copies nothing: what is written stays where it is, in one buffer or more.
/// A write that is refused leaves the writer as it was. Dispose it.</remarks>
public sealed class GroupBufferWriter : IBufferWriter<byte>, IDisposable
{
    private readonly BufferChunks _chunks;

    /// <summary>Creates a writer that holds nothing, and charges nothing before the first write.</summary>
    /// <param name="group">Who pays, for all that is ever written.</param>
    /// <param name="kind">The kind of memory that it pays for.</param>
    /// <exception cref="ArgumentOutOfRangeException">The kind is unknown.</exception>
    public GroupBufferWriter(MemoryGroup group, MemoryKind kind = MemoryKind.User)
        : this(group, GroupBufferOptions.Of(kind))
    {
    }

    /// <summary>Creates a writer that holds nothing, and charges nothing before the first write.</summary>
    /// <param name="group">Who pays, for all that is ever written.</param>
    /// <param name="options">What it pays for, and how the memory is held.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is unknown.</exception>
    public GroupBufferWriter(MemoryGroup group, GroupBufferOptions options) =>
        _chunks = new BufferChunks(group, options);

    /// <summary>Who pays.</summary>
    public MemoryGroup Group => _chunks.Group;

    /// <summary>The bytes that are written.</summary>
    public long WrittenBytes => _chunks.Bytes;

    /// <summary>The bytes that the group pays for.</summary>
    public long ChargedBytes => _chunks.ChargedBytes;

    /// <summary>What is written, as it lies. Valid until <see cref="Clear"/> and <see cref="Dispose"/>.</summary>
    /// <exception cref="ObjectDisposedException">The writer is disposed.</exception>
    public ReadOnlySequence<byte> Written
    {
        get
        {
            _chunks.ThrowIfDisposed();
            return _chunks.ToSequence(_chunks.Bytes);
        }
    }

    /// <summary>Says that the next bytes are written.</summary>
    /// <param name="count">0 to what the last <see cref="GetMemory"/> or <see cref="GetSpan"/> has given.</param>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative, or more than there is room for.</exception>
    /// <exception cref="ObjectDisposedException">The writer is disposed.</exception>
    public void Advance(int count)
    {
        _chunks.ThrowIfDisposed();
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, RoomBytes);
        if (count > 0) _chunks.LastBytes += count;
    }

    /// <summary>Memory for the next bytes; charges the group when there is not enough.</summary>
    /// <param name="sizeHint">The least size; 0 for any but none.</param>
    /// <exception cref="MemoryLimitExceededException">A limit refused, or the group has ended; the writer is as it was.
    /// </exception>
    /// <exception cref="InsufficientMemoryException">The system has no memory; the writer is as it was.</exception>
    /// <exception cref="MemoryLockException">The system did not lock, which the options ask for; the writer is as it
    /// was.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The size is negative.</exception>
    /// <exception cref="ObjectDisposedException">The writer is disposed.</exception>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        EnsureRoom(sizeHint);
        return _chunks.LastRoomMemory;
    }

    /// <inheritdoc cref="GetMemory"/>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        EnsureRoom(sizeHint);
        return _chunks.LastRoom;
    }

    /// <summary>Forgets what is written, and returns all to the group.</summary>
    /// <exception cref="ObjectDisposedException">The writer is disposed.</exception>
    public void Clear()
    {
        _chunks.ThrowIfDisposed();
        _chunks.FreeAllBut(0);
    }

    /// <summary>Writes what is written to a stream.</summary>
    /// <exception cref="ObjectDisposedException">The writer is disposed.</exception>
    public void CopyTo(Stream destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        _chunks.ThrowIfDisposed();
        for (int i = 0; i < _chunks.Count; i++) destination.Write(_chunks.SpanOf(i));
    }

    /// <summary>Returns all to the group. Safe to call twice.</summary>
    public void Dispose() => _chunks.Dispose();

    private int RoomBytes => _chunks.LastCapacity - _chunks.LastBytes;

    private void EnsureRoom(int sizeHint)
    {
        _chunks.ThrowIfDisposed();
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        if (RoomBytes < Math.Max(1, sizeHint)) _chunks.Append(Math.Max(1, sizeHint));
    }
}
