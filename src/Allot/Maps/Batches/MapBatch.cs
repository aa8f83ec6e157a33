namespace Allot.Maps;

/// <summary>Many elements in one call: where they are or go to, and how far the call came.</summary>
public unsafe struct MapBatch
{
    /// <summary>The keys, one after the other, as many as <see cref="Count"/>.</summary>
    public byte* Keys { get; set; }

    /// <summary>The values, one after the other, each of <see cref="GroupMap.HostValueBytes"/>.</summary>
    public byte* Values { get; set; }

    /// <summary>Before the call: how many elements there are, or are wanted. After it: how many were
    /// processed.</summary>
    public long Count { get; set; }

    /// <summary>Where to go on: what the call before wrote to <see cref="Next"/>; null to begin.</summary>
    public byte* From { get; set; }

    /// <summary>Where the call writes where to go on: as many bytes as a key has, and 4 at least.</summary>
    public byte* Next { get; set; }

    /// <summary>For each element: 0.</summary>
    public ulong ElementFlags { get; set; }

    /// <summary>For the call: 0.</summary>
    public ulong Flags { get; set; }
}
