// A row of buffers that grows at its end: what the writer and the stream are made of. Nothing that is in it ever moves,
// so growing copies nothing and needs no room for two copies, and what was written stays where it is.
//
// Each buffer has a part that counts: all of it in a stream, the written part in a writer, which may leave the end of a
// buffer unused because the next piece did not fit.
//
// Most never need a second buffer: so the last one has fields of its own, and only those before it are in an array.

using System.Buffers;
using System.Diagnostics;

namespace Allot;

internal sealed class BufferChunks
{
    // Buffers double what there is, between these.
    private const int FirstBytes = 256, DoubledBytesMost = 256 << 10;

    private readonly MemoryGroup _group;
    private readonly GroupBufferOptions _options;

    // What counts of a buffer lies between its start and that of the next one; of the last it is _lastBytes.
    private Chunk[] _earlier = [];
    private int _earlierCount;

    // Without a last one there are none, and these are 0.
    private GroupBuffer? _last;
    private long _lastStart;
    private int _lastBytes, _lastCapacity;
    private volatile int _disposals;

    public BufferChunks(MemoryGroup group, GroupBufferOptions options)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _group = group;
        _options = options;
    }

    public MemoryGroup Group => _group;

    public int Count => _last is null ? 0 : _earlierCount + 1;

    /// <summary>All that counts.</summary>
    public long Bytes => _lastStart + _lastBytes;

    /// <summary>What the group pays for.</summary>
    public long ChargedBytes { get; private set; }

    public bool IsDisposed => _disposals != 0;

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
    public int LastCapacity => _lastCapacity;

    /// <summary>The part of the last buffer that does not count.</summary>
    public Span<byte> LastRoom => _last!.GetSpan()[_lastBytes..];

    /// <inheritdoc cref="LastRoom"/>
    public Memory<byte> LastRoomMemory => _last!.Memory[_lastBytes..];

    public GroupBuffer this[int index] => index == _earlierCount ? _last! : _earlier[index].Buffer;

    /// <summary>The part of a buffer that counts.</summary>
    public Span<byte> SpanOf(int index) => this[index].GetSpan()[..BytesOf(index)];

    public long StartOf(int index) => index == _earlierCount ? _lastStart : _earlier[index].Start;

    /// <summary>How much of a buffer counts.</summary>
    public int BytesOf(int index) =>
        index == _earlierCount ? _lastBytes : (int)(StartOf(index + 1) - _earlier[index].Start);

    /// <summary>Asks once for what then is appended in parts: what can never fit is refused before others have given
    /// anything up for it, and before anybody is out of room.</summary>
    /// <exception cref="MemoryLimitExceededException">Refused; nothing has changed.</exception>
    /// <exception cref="InsufficientMemoryException">The machine does not have as much, or the container.</exception>
    public void AskFor(long bytes)
    {
        long available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        if (bytes > Math.Min(available, MemoryGroup.MaxChargeBytes))
        {
            throw new InsufficientMemoryException(
                $"{bytes} bytes were asked for at once; this process can have {available}. Nothing is charged.");
        }

        _group.Hold(_options.Kind, bytes).Dispose();
    }

    /// <summary>Appends a buffer, nothing of which counts yet. It takes the place of the last one where nothing counts
    /// of that. While it asks for room, a reclaimer may free what is here, or dispose it.</summary>
    /// <param name="leastBytes">The least size; it is larger if that costs nobody anything to find.</param>
    /// <exception cref="MemoryLimitExceededException">Refused; nothing has changed (I8).</exception>
    /// <exception cref="ObjectDisposedException">It is disposed.</exception>
    public void Append(int leastBytes)
    {
        ThrowIfDisposed();
        long generous = Math.Clamp(ChargedBytes, FirstBytes, DoubledBytesMost);
        GroupBuffer? buffer = generous > leastBytes
            ? GroupBuffer.TryAllocate(_group, _options, generous)
            : null;
        buffer ??= GroupBuffer.Allocate(_group, _options, leastBytes);
        try
        {
            ThrowIfDisposed();
            bool isFull = _last is not null && _earlierCount == _earlier.Length;
            if (isFull) Array.Resize(ref _earlier, Math.Max(4, _earlierCount * 2));
        }
        catch
        {
            buffer.Dispose();
            throw;
        }

        long start = Bytes;
        GroupBuffer? replaced = _lastBytes == 0 ? _last : null;
        if (_last is not null && replaced is null) _earlier[_earlierCount++] = new Chunk(_last, _lastStart);
        _last = buffer;
        _lastStart = start;
        _lastBytes = 0;
        _lastCapacity = CapacityOf(buffer);
        ChargedBytes += buffer.Bytes - (replaced?.Bytes ?? 0);
        replaced?.Dispose();
    }

    /// <summary>Frees all buffers but the first ones, of which all counts.</summary>
    public void FreeAllBut(int kept)
    {
        while (Count > kept)
        {
            GroupBuffer freed = _last!;
            ChargedBytes -= freed.Bytes;
            bool isFirst = _earlierCount == 0;
            Chunk before = isFirst ? default : _earlier[--_earlierCount];
            if (!isFirst) _earlier[_earlierCount] = default;
            _last = before.Buffer;
            _lastStart = before.Start;
            freed.Dispose();
        }

        Debug.Assert(Count == kept, "There were as many.");
        _lastBytes = _lastCapacity = _last is null ? 0 : CapacityOf(_last);
    }

    /// <summary>The buffer that a byte is in, where something counts of every buffer.</summary>
    /// <param name="position">0 to one below <see cref="Bytes"/>.</param>
    public int IndexOf(long position)
    {
        Debug.Assert(position >= 0 && position < Bytes, "The byte is there.");
        if (position >= _lastStart) return _earlierCount;
        int from = 0, to = _earlierCount;   // the last one that starts at it or before
        while (to - from > 1)
        {
            int middle = (from + to) / 2;
            if (_earlier[middle].Start <= position) from = middle;
            else to = middle;
        }

        return from;
    }

    /// <summary>The first bytes, as they lie.</summary>
    public ReadOnlySequence<byte> ToSequence(long length)
    {
        Debug.Assert(length <= Bytes, "There are as many.");
        Segment? first = null, last = null;
        for (int i = 0; i < Count && StartOf(i) < length; i++)
        {
            int bytes = (int)Math.Min(BytesOf(i), length - StartOf(i));
            if (bytes == 0) continue;
            last = new Segment(this[i].Memory[..bytes], last);
            first ??= last;
        }

        return first is null
            ? ReadOnlySequence<byte>.Empty
            : new ReadOnlySequence<byte>(first, 0, last!, last!.Memory.Length);
    }

    public void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(IsDisposed, this);

    /// <summary>Safe to call twice, and from two threads at once.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposals, 1) == 0) FreeAllBut(0);
    }

    private static int CapacityOf(GroupBuffer buffer) => (int)Math.Min(buffer.Bytes, int.MaxValue);

    private readonly record struct Chunk(GroupBuffer Buffer, long Start);

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
