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

    /// <summary>The size of a value.</summary>
    public int ValueBytes { get; init; }

    /// <summary>The most elements.</summary>
    public int Capacity { get; init; }

    /// <summary>The flags of Linux, of which a type refuses those it does not know.</summary>
    public uint Flags { get; init; }
}
