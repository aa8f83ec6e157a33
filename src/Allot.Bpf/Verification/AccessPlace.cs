namespace Allot.Bpf;

/// <summary>The memory that an instruction accesses, on every path.</summary>
/// <param name="Kind">Which memory; <see cref="RegisterKind.Unwritten"/> when it is not one.</param>
/// <param name="Of">The index of the map.</param>
internal readonly record struct AccessPlace(RegisterKind Kind, int Of)
{
    /// <summary>Not the same on every path.</summary>
    public static readonly AccessPlace Several = new(RegisterKind.Number, 0);
}
