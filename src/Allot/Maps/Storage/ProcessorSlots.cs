using System.Diagnostics;

namespace Allot.Maps;

/// <summary>Values of which each processor has its own. Those of one processor lie together, so that no two processors
/// write the same line of cache, but at the seams.</summary>
/// <remarks>A thread may be moved to another processor at any time, so two threads may use one slot at once: as in
/// Linux, where a program can be interrupted by another. Sums that must not lose anything are added
/// atomically.</remarks>
internal readonly unsafe struct ProcessorSlots
{
    private readonly byte* _first;
    private readonly long _strideBytes;
    private readonly long _slotBytes;

    /// <param name="first">As many bytes as <see cref="BytesOf"/> says.</param>
    /// <param name="map">What each value is.</param>
    /// <param name="elements">How many elements there are.</param>
    public ProcessorSlots(byte* first, MapDefinition map, long elements)
    {
        _first = first;
        _strideBytes = (long)MemlockFormulas.Round8(map.ValueBytes);
        _slotBytes = _strideBytes * elements;
    }

    /// <summary>The slot of the processor that runs this.</summary>
    public static int Current => (int)((uint)Thread.GetCurrentProcessorId() % (uint)GroupMap.ProcessorCount);

    /// <summary>From the value of one processor to that of the next.</summary>
    public long SlotBytes => _slotBytes;

    public static Int128 BytesOf(MapDefinition map, Int128 elements, int processors) =>
        elements * MemlockFormulas.Round8(map.ValueBytes) * processors;

    /// <summary>The value of a processor.</summary>
    public byte* At(long element, int processor)
    {
        Debug.Assert((uint)processor < (uint)GroupMap.ProcessorCount, "The processor exists.");
        return _first + (_slotBytes * processor) + (_strideBytes * element);
    }

    /// <summary>Copies what all processors have, each rounded up to 8 bytes.</summary>
    public void Read(long element, byte* values)
    {
        for (int processor = 0; processor < GroupMap.ProcessorCount; processor++, values += _strideBytes)
        {
            Buffer.MemoryCopy(At(element, processor), values, _strideBytes, _strideBytes);
        }
    }

    /// <summary>Copies to all processors.</summary>
    public void Write(long element, byte* values)
    {
        for (int processor = 0; processor < GroupMap.ProcessorCount; processor++, values += _strideBytes)
        {
            Buffer.MemoryCopy(values, At(element, processor), _strideBytes, _strideBytes);
        }
    }

    /// <summary>Gives one processor a value and all others zeros: a new element that a program adds.</summary>
    public void WriteOne(long element, int processor, byte* value, long valueBytes)
    {
        for (int other = 0; other < GroupMap.ProcessorCount; other++)
        {
            if (other != processor) new Span<byte>(At(element, other), (int)_strideBytes).Clear();
        }

        Buffer.MemoryCopy(value, At(element, processor), _strideBytes, valueBytes);
    }
}
