// A row of buffers that grows at its end: what the writer and the stream are made of. Nothing that is in it ever moves,
// so growing copies nothing and needs no room for two copies, and what was written stays where it is.
//
// Each buffer has a part that counts: all of it in a stream, the written part in a writer, which may leave the end of a
// buffer unused because the next piece did not fit.

using System.Buffers;
using System.Diagnostics;

namespace Allot;

internal sealed class BufferChunks
{
    // Buffers double what there is, between these.
    private const int FirstBytes = 256, DoubledBytesMost = 256 << 10;

    // _starts[i + 1] == _starts[i] + the part of _buffers[i] that counts, but for the last: that is _lastBytes.
    private readonly List<GroupBuffer> _buffers = [];
    private readonly List<long> _starts = [];
    private readonly MemoryGroup _group;
    private readonly GroupBufferOptions _options;
    private GroupBuffer? _last;
    private int _lastBytes;
    private bool _isDisposed;

    public BufferChunks(MemoryGroup group, GroupBufferOptions options)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _group = group;
        _options = options;
    }

    public MemoryGroup Group => _group;

    public int Count => _buffers.Count;

    /// <summary>All that counts.</summary>
    public long Bytes => _last is null ? 0 : _starts[^1] + _lastBytes;

    /// <summary>What the group pays for.</summary>
    public long ChargedBytes { get; private set; }

    public bool IsDisposed => _isDisposed;

    /// <summary>What counts of the last buffer.</summary>
    public int LastBytes
    {
        get => _lastBytes;
        set
        {
            Debug.Assert(value >= 0, "A part of a buffer is not less than nothing.");
            Debug.Assert(value <= LastCapacity, "A part of a buffer is not more than it.");
            _lastBytes = value;
        }
    }

    /// <summary>What could count of the last buffer; 0 when there is none.</summary>
    public int LastCapacity => _last is null ? 0 : (int)Math.Min(_last.Bytes, int.MaxValue);

    /// <summary>The part of the last buffer that does not count.</summary>
    public Span<byte> LastRoom => _last!.GetSpan()[_lastBytes..];

    /// <inheritdoc cref="LastRoom"/>
    public Memory<byte> LastRoomMemory => _last!.Memory[_lastBytes..];

    public GroupBuffer this[int index] => _buffers[index];

    /// <summary>The part of a buffer that counts.</summary>
    public Span<byte> SpanOf(int index) => _buffers[index].GetSpan()[..BytesOf(index)];

    public long StartOf(int index) => _starts[index];

    /// <summary>How much of a buffer counts.</summary>
    public int BytesOf(int index) =>
        index == Count - 1 ? _lastBytes : (int)(_starts[index + 1] - _starts[index]);

    /// <summary>Appends a buffer, nothing of which counts yet.</summary>
    /// <param name="leastBytes">The least size; it is larger if that costs nobody anything to find.</param>
    /// <exception cref="MemoryLimitExceededException">Refused; nothing has changed (I8).</exception>
    public void Append(int leastBytes)
    {
        ThrowIfDisposed();
        _buffers.EnsureCapacity(Count + 1);   // the lists first: after the charge nothing can fail
        _starts.EnsureCapacity(Count + 1);
        long generous = Math.Clamp(ChargedBytes, FirstBytes, DoubledBytesMost);
        GroupBuffer? buffer = generous > leastBytes
            ? GroupBuffer.TryAllocate(_group, _options, generous)
            : null;
        buffer ??= GroupBuffer.Allocate(_group, _options, leastBytes);
        _starts.Add(Bytes);
        _buffers.Add(buffer);
        _last = buffer;
        _lastBytes = 0;
        ChargedBytes += buffer.Bytes;
    }

    /// <summary>Frees all buffers but the first ones, of which all counts.</summary>
    public void FreeAllBut(int kept)
    {
        while (Count > kept)
        {
            ChargedBytes -= _buffers[^1].Bytes;
            _buffers[^1].Dispose();
            _buffers.RemoveAt(Count - 1);
            _starts.RemoveAt(_starts.Count - 1);
        }

        Debug.Assert(Count == kept, "There were as many.");
        _last = kept == 0 ? null : _buffers[^1];
        _lastBytes = LastCapacity;
    }

    /// <summary>The buffer that a byte is in, where something counts of every buffer.</summary>
    /// <param name="position">0 to one below <see cref="Bytes"/>.</param>
    public int IndexOf(long position)
    {
        Debug.Assert(position >= 0 && position < Bytes, "The byte is there.");
        int index = _starts.BinarySearch(position);
        return index >= 0 ? index : ~index - 1;
    }

    /// <summary>The first bytes, as they lie.</summary>
    public ReadOnlySequence<byte> ToSequence(long length)
    {
        Debug.Assert(length <= Bytes, "There are as many.");
        Segment? first = null, last = null;
        for (int i = 0; i < Count && _starts[i] < length; i++)
        {
            int bytes = (int)Math.Min(BytesOf(i), length - _starts[i]);
            if (bytes == 0) continue;
            last = new Segment(_buffers[i].Memory[..bytes], last);
            first ??= last;
        }

        return first is null
            ? ReadOnlySequence<byte>.Empty
            : new ReadOnlySequence<byte>(first, 0, last!, last!.Memory.Length);
    }

    public void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(_isDisposed, this);

    public void Dispose()
    {
        _isDisposed = true;
        FreeAllBut(0);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, Segment? previous)
        {
            Memory = memory;
            if (previous is null) return;
            RunningIndex = previous.RunningIndex + previous.Memory.Length;
            previous.Next = this;
        }
    }
}
