namespace Allot.Bpf;

/// <summary>A name for a place in a section.</summary>
internal sealed class ElfSymbol
{
    public const int Function = 2;

    public required string Name { get; init; }

    public required int Type { get; init; }

    public required bool IsLocal { get; init; }

    /// <summary>The index of the section; 0 when the name is of another object.</summary>
    public required int Section { get; init; }

    public required long Value { get; init; }

    public required long SizeBytes { get; init; }
}
