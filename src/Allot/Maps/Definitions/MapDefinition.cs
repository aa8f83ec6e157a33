namespace Allot.Maps;

/// <summary>What a map holds, and how much.</summary>
public sealed record MapDefinition
{
    /// <summary>What the map is called in messages and in ELF objects.</summary>
    public string Name { get; init; } = "";

    /// <summary>The type of the map.</summary>
    public MapType Type { get; init; }

    /// <summary>The size of a key.</summary>
    public int KeyBytes { get; init; }

    /// <summary>The size of a value, of one processor where each has its own.</summary>
    public long ValueBytes { get; init; }

    /// <summary>The most elements; of a ring buffer, its bytes; of an arena, its pages.</summary>
    public long Capacity { get; init; }

    /// <summary>The flags of Linux (<see cref="MapFlags"/>), of which a type refuses those it does not know.</summary>
    public uint Flags { get; init; }

    /// <summary>What one type alone needs: the hash functions of a Bloom filter, the address of an arena.</summary>
    public ulong MapExtra { get; init; }

    /// <summary>What each inner map of a map of maps holds.</summary>
    public MapDefinition? InnerMap { get; init; }

    /// <summary>The functions of a table of functions.</summary>
    public int FunctionCount { get; init; }

    internal bool Has(uint flag) => (Flags & flag) != 0;
}
