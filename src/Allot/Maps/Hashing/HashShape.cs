using System.Numerics;

namespace Allot.Maps;

/// <summary>The sizes of a hash table, and so of its memory, from the definition of its map.</summary>
internal sealed class HashShape
{
    // Slots for n elements: 5/4 of them. So 6 in 100 elements are not at home, and 36 in 100 come from a home that some
    // have overflowed from (where writers look further); with 8/7, 9 and 55 would be.
    private const int LoadNumerator = 5, LoadDenominator = 4;
    private const int StripesMax = 128, ChunksPerStripeMin = 64, PermitsMax = 32;

    public HashShape(MapDefinition map, int processors)
    {
        bool isPerProcessor = map.Type is MapType.PerCpuHash or MapType.LruPerCpuHash;
        Processors = isPerProcessor ? processors : 1;
        IsPreallocated = !map.Has(MapFlags.NoPreallocation);
        long slotsWanted = (map.Capacity * LoadNumerator / LoadDenominator) + 1;
        Chunks = (uint)((slotsWanted + HashTable.ChunkSlots - 1) / HashTable.ChunkSlots);
        Slots = (long)Chunks * HashTable.ChunkSlots;
        int log2 = BitOperations.Log2(BitOperations.RoundUpToPowerOf2((Chunks + StripesMax - 1) / StripesMax));
        StripeShift = Math.Max(log2, BitOperations.Log2(ChunksPerStripeMin));
        Stripes = (int)((Chunks + (1L << StripeShift) - 1) >> StripeShift);
        PermitBatch = (int)Math.Clamp(map.Capacity / Stripes / 16, 1, PermitsMax);
        KeyStrideBytes = (long)MemlockFormulas.Round8(map.KeyBytes);
        ValueStrideBytes = (long)MemlockFormulas.Round8(map.ValueBytes);
        ProcessorBytes = IsPreallocated ? Slots * ValueStrideBytes : ValueStrideBytes;
        IsInterleaved = IsPreallocated && !isPerProcessor;
        long elementBytes = KeyStrideBytes + (ValueStrideBytes * Processors);
        Elements = new PoolShape(elementBytes, map.Capacity + (2L * ElementPool.Batch * Stripes));
    }

    public int Processors { get; }

    public bool IsPreallocated { get; }

    /// <summary>Whether each key lies before its value: there is one value for all processors.</summary>
    public bool IsInterleaved { get; }

    public uint Chunks { get; }

    public long Slots { get; }

    public int StripeShift { get; }

    public int Stripes { get; }

    public int PermitBatch { get; }

    public long KeyStrideBytes { get; }

    public long ValueStrideBytes { get; }

    public long ProcessorBytes { get; }

    /// <summary>The elements that come one by one.</summary>
    public PoolShape Elements { get; }

    public unsafe Int128 StripesBytes => (Int128)Stripes * sizeof(HashStripe);

    public Int128 HeadersBytes => (Int128)Chunks * ChunkHeader.Bytes;

    /// <summary>Keys, with the values where those are interleaved.</summary>
    public Int128 KeysBytes => (Int128)Slots * (KeyStrideBytes + (IsInterleaved ? ValueStrideBytes : 0));

    /// <summary>Values that lie apart.</summary>
    public Int128 ValuesBytes => (Int128)Slots * ValueStrideBytes * Processors;

    public unsafe Int128 ElementsBytes => (Int128)Slots * sizeof(byte*);

    public MapFootprint Footprint
    {
        get
        {
            if (IsInterleaved) return MapFootprint.Fixed(HeadersBytes, StripesBytes, KeysBytes);
            if (IsPreallocated) return MapFootprint.Fixed(HeadersBytes, StripesBytes, KeysBytes, ValuesBytes);
            MapFootprint empty = MapFootprint.Fixed(HeadersBytes, StripesBytes, ElementsBytes);
            return empty with { MostBytes = MemlockFormulas.Limited((Int128)empty.CreatedBytes + Elements.MostBytes) };
        }
    }
}
