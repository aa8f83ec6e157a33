namespace Allot.Bpf;

/// <summary>A program of an ELF object, with the functions that it calls.</summary>
/// <param name="name">The name of its function.</param>
/// <param name="section">The section that the function lies in.</param>
/// <param name="instructions">The instructions; references to maps are indices into
/// <see cref="BpfObject.Maps"/>.</param>
public sealed class BpfObjectProgram(string name, string section, ReadOnlyMemory<byte> instructions)
{
    /// <summary>The name of its function.</summary>
    public string Name { get; } = name;

    /// <summary>The section that the function lies in.</summary>
    public string Section { get; } = section;

    /// <summary>The instructions, 8 bytes each; references to maps are indices into
    /// <see cref="BpfObject.Maps"/>.</summary>
    public ReadOnlyMemory<byte> Instructions { get; } = instructions;
}
