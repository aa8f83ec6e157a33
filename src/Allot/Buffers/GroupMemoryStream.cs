// A stream over chunks, all of which count in full. What lies beyond Length is undefined until it comes within: then it
// is zeroed.

using System.Buffers;
using System.Diagnostics;

namespace Allot;

/// <summary>A stream in memory that a group pays for, which grows as it is written to. It can be larger than 2 GiB.
/// </summary>
/// <remarks>For one thread at a time. Growing copies nothing. A write that is refused leaves the stream as it was, and
/// shortening it returns bytes to the group. A reclaimer that is asked in the middle of a write may read the stream or
/// dispose it, but not change it. Asynchronous calls have ended when they return. Dispose it.</remarks>
public sealed class GroupMemoryStream : Stream
{
    private const int AtOnceMost = 256 << 10;

    private readonly BufferChunks _chunks;
    private long _length;
    private long _position;

    // The chunk that was used last, where the next use mostly is; of 0 bytes when it may be gone.
    private GroupBuffer? _near;
    private long _nearStart;
    private int _nearBytes;

    // Room is asked for, and for that a reclaimer may be: it can read, and dispose, and nothing else.
    private bool _isGrowing;

    /// <summary>Creates an empty stream, which charges nothing before the first write.</summary>
    /// <param name="group">Who pays, for all that is ever written.</param>
    /// <param name="kind">The kind of memory that it pays for.</param>
    /// <exception cref="ArgumentOutOfRangeException">The kind is unknown.</exception>
    public GroupMemoryStream(MemoryGroup group, MemoryKind kind = MemoryKind.User)
        : this(group, GroupBufferOptions.Of(kind))
    {
    }

    /// <summary>Creates an empty stream, which charges nothing before the first write.</summary>
    /// <param name="group">Who pays, for all that is ever written.</param>
    /// <param name="options">What it pays for, and how the memory is held.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is unknown.</exception>
    public GroupMemoryStream(MemoryGroup group, GroupBufferOptions options) =>
        _chunks = new BufferChunks(group, options);

    /// <summary>Who pays.</summary>
    public MemoryGroup Group => _chunks.Group;

    /// <summary>The bytes that the group pays for.</summary>
    public long ChargedBytes => _chunks.ChargedBytes;

    /// <inheritdoc/>
    public override bool CanRead => !_chunks.IsDisposed;

    /// <inheritdoc/>
    public override bool CanSeek => !_chunks.IsDisposed;

    /// <inheritdoc/>
    public override bool CanWrite => !_chunks.IsDisposed;

    /// <inheritdoc/>
    public override long Length
    {
        get
        {
            _chunks.ThrowIfDisposed();
            return _length;
        }
    }

    /// <summary>Where the next byte is read or written. It may be beyond the end: a write there fills what is between
    /// with zeros.</summary>
    public override long Position
    {
        get
        {
            _chunks.ThrowIfDisposed();
            return _position;
        }

        set
        {
            _chunks.ThrowIfDisposed();
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            _position = value;
        }
    }

    /// <summary>What is in the stream, as it lies. Valid until the stream is shortened or disposed.</summary>
    /// <exception cref="ObjectDisposedException">The stream is disposed.</exception>
    public ReadOnlySequence<byte> ToSequence()
    {
        _chunks.ThrowIfDisposed();
        return _chunks.ToSequence(_length);
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin)
    {
        _chunks.ThrowIfDisposed();
        long from = origin switch
        {
            SeekOrigin.Begin => 0,
            SeekOrigin.Current => _position,
            SeekOrigin.End => _length,
            _ => throw new ArgumentException("The origin is Begin, Current or End.", nameof(origin)),
        };
        ArgumentOutOfRangeException.ThrowIfGreaterThan(offset, long.MaxValue - from);
        if (from + offset < 0) throw new IOException("There is nothing before the beginning of the stream.");
        return _position = from + offset;
    }

    /// <summary>Makes the stream longer, with zeros, or shorter, which returns bytes to the group.</summary>
    /// <param name="value">The new length in bytes.</param>
    /// <exception cref="MemoryLimitExceededException">A limit refused, or the group has ended; the stream is as it was.
    /// </exception>
    /// <exception cref="InsufficientMemoryException">The system has no memory; the stream is as it was.</exception>
    /// <exception cref="MemoryLockException">The system did not lock, which the options ask for; the stream is as it
    /// was.</exception>
    public override void SetLength(long value)
    {
        _chunks.ThrowIfDisposed();
        ThrowIfGrowing();
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        if (value > _length)
        {
            EnsureCapacity(value);
            Zero(_length, value);
        }
        else
        {
            _nearBytes = 0;
            _chunks.FreeAllBut(value == 0 ? 0 : _chunks.IndexOf(value - 1) + 1);
        }

        _length = value;
        _position = Math.Min(_position, value);
    }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        _chunks.ThrowIfDisposed();
        int bytes = (int)Math.Clamp(_length - _position, 0, buffer.Length);
        Span<byte> rest = buffer[..bytes];
        while (!rest.IsEmpty)
        {
            Span<byte> here = From(_position);
            int copied = Math.Min(here.Length, rest.Length);
            here[..copied].CopyTo(rest);
            rest = rest[copied..];
            _position += copied;
        }

        return bytes;
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        return Read(buffer.AsSpan(offset, count));
    }

    /// <inheritdoc/>
    public override int ReadByte()
    {
        _chunks.ThrowIfDisposed();
        return _position < _length ? From(_position++)[0] : -1;
    }

    /// <summary>Writes bytes; charges the group where the stream has to grow.</summary>
    /// <param name="buffer">The bytes.</param>
    /// <exception cref="MemoryLimitExceededException">A limit refused, or the group has ended; the stream is as it was.
    /// </exception>
    /// <exception cref="InsufficientMemoryException">The system has no memory; the stream is as it was.</exception>
    /// <exception cref="MemoryLockException">The system did not lock, which the options ask for; the stream is as it
    /// was.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        _chunks.ThrowIfDisposed();
        if (buffer.IsEmpty) return;
        ThrowIfGrowing();
        long position = _position;
        if (position > long.MaxValue - buffer.Length) throw new IOException("The stream would be too long.");
        EnsureCapacity(position + buffer.Length);
        if (position > _length) Zero(_length, position);
        while (!buffer.IsEmpty)
        {
            Span<byte> here = From(position);
            int copied = Math.Min(here.Length, buffer.Length);
            buffer[..copied].CopyTo(here);
            buffer = buffer[copied..];
            position += copied;
        }

        _position = position;
        _length = Math.Max(_length, position);
    }

    /// <inheritdoc cref="Write(ReadOnlySpan{byte})"/>
    public override void Write(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        Write(buffer.AsSpan(offset, count));
    }

    /// <inheritdoc cref="Write(ReadOnlySpan{byte})"/>
    /// <param name="value">The byte.</param>
    public override void WriteByte(byte value) => Write([value]);

    /// <inheritdoc/>
    public override void Flush() => _chunks.ThrowIfDisposed();

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested) return Task.FromCanceled(cancellationToken);
        Flush();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<int>(cancellationToken);
        try
        {
            return ValueTask.FromResult(Read(buffer.Span));
        }
        catch (Exception failure)
        {
            return ValueTask.FromException<int>(failure);
        }
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled(cancellationToken);
        try
        {
            Write(buffer.Span);
            return ValueTask.CompletedTask;
        }
        catch (Exception failure)
        {
            return ValueTask.FromException(failure);
        }
    }

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    /// <inheritdoc/>
    public override void CopyTo(Stream destination, int bufferSize)
    {
        ValidateCopyToArguments(destination, bufferSize);
        _chunks.ThrowIfDisposed();
        while (_position < _length)
        {
            Span<byte> here = From(_position);
            int copied = (int)Math.Min(here.Length, _length - _position);
            destination.Write(here[..copied]);
            _position += copied;
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) _chunks.Dispose();
        base.Dispose(disposing);
    }

    // All of it or nothing of it (I8).
    private void EnsureCapacity(long bytes)
    {
        if (bytes <= _chunks.Bytes) return;
        int count = _chunks.Count;
        _isGrowing = true;
        try
        {
            if (bytes - _chunks.Bytes > AtOnceMost) _chunks.AskFor(bytes - _chunks.Bytes);
            while (_chunks.Bytes < bytes)
            {
                _chunks.Append((int)Math.Min(bytes - _chunks.Bytes, AtOnceMost));
                _chunks.LastBytes = _chunks.LastCapacity;
            }
        }
        catch
        {
            if (!_chunks.IsDisposed) _chunks.FreeAllBut(count);
            throw;
        }
        finally
        {
            _isGrowing = false;
        }
    }

    private void ThrowIfGrowing()
    {
        if (!_isGrowing) return;
        throw new InvalidOperationException(
            $"The stream of '{Group.Path}' is in the middle of a write that asks for room: it cannot be changed, by a "
            + "reclaimer for instance. It can be disposed.");
    }

    // From a position to the end of its chunk.
    private Span<byte> From(long position)
    {
        Debug.Assert(position < _chunks.Bytes, "There is room.");
        if ((ulong)(position - _nearStart) >= (ulong)_nearBytes) GoNear(position);
        int offset = (int)(position - _nearStart);
        return _near!.GetSpan()[offset.._nearBytes];
    }

    private void GoNear(long position)
    {
        int index = _chunks.IndexOf(position);
        _near = _chunks[index];
        _nearStart = _chunks.StartOf(index);
        _nearBytes = _chunks.BytesOf(index);
    }

    private void Zero(long from, long to)
    {
        while (from < to)
        {
            Span<byte> here = From(from);
            int bytes = (int)Math.Min(here.Length, to - from);
            here[..bytes].Clear();
            from += bytes;
        }
    }
}
