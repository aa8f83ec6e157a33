namespace Allot.Bpf;

/// <summary>What a helper needs in one of its registers.</summary>
public enum BpfArgument
{
    /// <summary>The helper has no such argument.</summary>
    None,

    /// <summary>A number.</summary>
    Number,

    /// <summary>Anything that was written, a number or a pointer.</summary>
    Anything,

    /// <summary>A map of the program.</summary>
    Map,

    /// <summary>The address of a key of the map in an earlier register.</summary>
    MapKey,

    /// <summary>The address of a value of the map in an earlier register.</summary>
    MapValue,

    /// <summary>The address of bytes that the helper reads; how many is in the next register.</summary>
    MemoryToRead,

    /// <summary>The address of bytes that the helper writes; how many is in the next register. To the verifier all of
    /// them are written, so the helper writes all of them whatever it returns, zeros where it has nothing.</summary>
    MemoryToWrite,

    /// <summary>The number of bytes of the address before it, at least 1.</summary>
    Bytes,

    /// <summary>The number of bytes of the address before it, which may be 0; the address may then be 0 too.</summary>
    BytesOrNone,

    /// <summary>The first argument of the program, as it was given.</summary>
    Context,

    /// <summary>The size, a constant, of the memory that the helper reserves.</summary>
    BytesToReserve,

    /// <summary>The address of memory that a helper has reserved, which this one takes back.</summary>
    Reserved,

    /// <summary>The address where the helper writes a value of the map in an earlier register; of a Bloom filter, of
    /// the value that is asked for.</summary>
    MapValueToWrite,

    /// <summary>A function of the program, which the helper calls. Of helpers of Linux only.</summary>
    Function,

    /// <summary>What that function gets: an address in a stack of the program, or 0.</summary>
    FunctionContext,

    /// <summary>The address of 16 bytes in the stack, where the helper makes a dynamic pointer.</summary>
    DynamicPointerToMake,

    /// <summary>A dynamic pointer.</summary>
    DynamicPointer,

    /// <summary>A dynamic pointer whose memory was reserved, and which the helper takes back.</summary>
    DynamicPointerToGiveBack,

    /// <summary>The address of bytes in a value of a map; how many is in the next register.</summary>
    MemoryOfMap,

    /// <summary>A constant number of bytes of the dynamic pointer in an earlier register.</summary>
    BytesOfSlice,

    /// <summary>The address of a value of the map in an earlier register, or 0.</summary>
    MapValueOrNone,
}
