namespace Allot.Bpf;

/// <summary>A section of an ELF object.</summary>
internal sealed class ElfSection
{
    private const ulong Allocated = 2;
    private const ulong Executable = 4;

    public string Name { get; set; } = "";

    public uint NameOffset { get; init; }

    public uint Type { get; init; }

    public ulong Flags { get; init; }

    public int Link { get; init; }

    public int Info { get; init; }

    /// <summary>Also of a section that has no content, and is zeroed memory.</summary>
    public long SizeBytes { get; init; }

    public ReadOnlyMemory<byte> Content { get; set; }

    /// <summary>What must be filled in, by its offset in the section.</summary>
    public Dictionary<long, ElfSymbol> Relocations { get; } = [];

    public bool IsCode => (Flags & Executable) != 0 && SizeBytes > 0;

    /// <summary>Variables of the program: .data, .rodata, .bss, and those that are named after them.</summary>
    public bool IsData => (Flags & Allocated) != 0 && SizeBytes > 0 && (Is(".data") || Is(".rodata") || Is(".bss"));

    public bool IsReadOnlyData => Is(".rodata");

    public bool IsMaps => Name is "maps" or ".maps";

    private bool Is(string family) => Name == family || Name.StartsWith(family + ".", StringComparison.Ordinal);
}
