// Memory for elements of one size that come and go: segments of a map's memory, each a quarter of what there is
// already.
// What has been an element is an element again or free, never anything else, until the map ends: programs may still
// have its address.

using System.Diagnostics;

namespace Allot.Maps;

internal sealed unsafe class ElementPool
{
    /// <summary>As many elements change hands at once.</summary>
    public const int Batch = 16;

    private readonly Lock _lock = new();
    private readonly MapMemory _memory;
    private readonly PoolShape _shape;

    // Under the lock to write; read without it: the array is replaced when it is full.
    private Segment[] _segments = [];
    private byte* _free;      // begins with the address of the next
    private byte* _fresh;     // of the last segment, up to its end
    private byte* _freshEnd;
    private long _elements;   // in segments

    public ElementPool(MapMemory memory, PoolShape shape)
    {
        Debug.Assert(shape.ElementBytes >= sizeof(byte*), "A free element has the address of the next.");
        _memory = memory;
        _shape = shape;
    }

    /// <summary>Takes elements, linked by their first 8 bytes; the last has null. Their bytes are undefined.</summary>
    /// <param name="wanted">1 or more.</param>
    /// <param name="taken">How many there are; at least 1.</param>
    /// <returns>Null when memory was refused, or there are as many as there may be.</returns>
    public byte* TryTake(int wanted, out int taken)
    {
        byte* first = null;
        taken = 0;
        lock (_lock)
        {
            while (taken < wanted)
            {
                byte* element = TryTakeOne_NeedsLock(mayGrow: taken == 0);
                if (element == null) break;
                *(byte**)element = first;
                first = element;
                taken++;
            }
        }

        return first;
    }

    /// <summary>Takes elements back: as many as are linked.</summary>
    public void Give(byte* first)
    {
        Debug.Assert(first != null, "Something is given.");
        byte* last = first;
        while (*(byte**)last != null) last = *(byte**)last;
        lock (_lock)
        {
            *(byte**)last = _free;
            _free = first;
        }
    }

    /// <summary>The element that an address is in.</summary>
    /// <returns>Null when it is in none.</returns>
    public byte* ElementAt(ulong address)
    {
        foreach (Segment segment in Volatile.Read(ref _segments))
        {
            ulong at = address - (ulong)segment.Start;
            if (segment.Start != 0 && at < (ulong)segment.Bytes)
            {
                return (byte*)(address - (at % (ulong)_shape.ElementBytes));
            }
        }

        return null;
    }

    private byte* TryTakeOne_NeedsLock(bool mayGrow)
    {
        byte* element = _free;
        if (element != null)
        {
            _free = *(byte**)element;
            return element;
        }

        if (_fresh == _freshEnd && !(mayGrow && TryGrow_NeedsLock())) return null;
        element = _fresh;
        _fresh += _shape.ElementBytes;
        return element;
    }

    private bool TryGrow_NeedsLock()
    {
        long more = _shape.SegmentElements(_elements);
        if (more == 0) return false;
        long bytes = more * _shape.ElementBytes;
        byte* start = _memory.TryAllocate(bytes);
        if (start == null) return false;
        _fresh = start;
        _freshEnd = start + bytes;
        _elements += more;
        Volatile.Write(ref _segments, [.. _segments, new Segment((nint)start, bytes)]);
        return true;
    }

    private readonly record struct Segment(nint Start, long Bytes);
}
