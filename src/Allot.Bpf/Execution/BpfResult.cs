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

    /// <summary>The address of memory that was reserved with <see cref="BpfExecution.AddMemory"/>, or 0. The program
    /// must give it to a helper that takes it back, on every path.</summary>
    ReservedOrZero,

    /// <summary>The address of memory of the dynamic pointer in an earlier register, as long as the pointer is there; or
    /// 0.</summary>
    SliceOrZero,
}
