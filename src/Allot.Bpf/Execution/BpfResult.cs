namespace Allot.Bpf;

/// <summary>What a helper leaves in r0.</summary>
public enum BpfResult
{
    /// <summary>A number.</summary>
    Number,

    /// <summary>Nothing that a program may read.</summary>
    Nothing,

    /// <summary>The address of a value of the map in an earlier register, or 0.</summary>
    MapValueOrZero,
}
