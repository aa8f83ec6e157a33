namespace Allot.Bpf;

/// <summary>What a register, or eight bytes of the stack, hold.</summary>
internal enum RegisterKind : byte
{
    /// <summary>Nothing that was written.</summary>
    Unwritten,

    /// <summary>A number.</summary>
    Number,

    /// <summary>An address in the stack of a function.</summary>
    Stack,

    /// <summary>An address in the memory of the run.</summary>
    Memory,

    /// <summary>The address after the last byte of the memory of the run.</summary>
    MemoryEnd,

    /// <summary>A map.</summary>
    Map,

    /// <summary>A map that was found in a map of maps, or 0.</summary>
    MapOrZero,

    /// <summary>A function of the program.</summary>
    Function,

    /// <summary>An address in a key of a map, which the function that was called back may read.</summary>
    MapKey,

    /// <summary>An address in a value of a map.</summary>
    MapValue,

    /// <summary>The address of a value of a map, or 0.</summary>
    MapValueOrZero,

    /// <summary>An address in memory that a helper has reserved.</summary>
    Reserved,

    /// <summary>The address of memory that a helper has reserved, or 0.</summary>
    ReservedOrZero,

    /// <summary>A half of a dynamic pointer, in a stack: the first has offset 0, the second 1.</summary>
    DynamicPointer,

    /// <summary>The address of a dynamic pointer that a helper lends to the function it calls.</summary>
    LentPointer,

    /// <summary>An address in the memory of a dynamic pointer.</summary>
    Slice,

    /// <summary>The address of the memory of a dynamic pointer, or 0.</summary>
    SliceOrZero,

    /// <summary>An address in the arena of the program: 32 bits, which may be any.</summary>
    Arena,
}
