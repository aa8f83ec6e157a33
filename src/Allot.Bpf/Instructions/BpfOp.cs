// One name for each thing that a program can do, whatever its second operand is. The order matters: of a pair, the
// 32-bit form follows the 64-bit form, and the sizes of loads and stores go 1, 2, 4, 8.

namespace Allot.Bpf;

/// <summary>What a decoded instruction does.</summary>
internal enum BpfOp : byte
{
    /// <summary>The second half of a 64-bit constant: never executed.</summary>
    None,

    Add64, Add32, Sub64, Sub32, Mul64, Mul32, Div64, Div32, SDiv64, SDiv32, Mod64, Mod32, SMod64, SMod32,
    Or64, Or32, And64, And32, Xor64, Xor32, Lsh64, Lsh32, Rsh64, Rsh32, Arsh64, Arsh32, Neg64, Neg32, Mov64, Mov32,

    // Moves with sign extension, from this many bits.
    MovSx8To64, MovSx8To32, MovSx16To64, MovSx16To32, MovSx32To64,

    // To the order of bytes that is named, from that of the machine; or the other way round, which is the same.
    Le16, Le32, Le64, Be16, Be32, Be64, Swap16, Swap32, Swap64,

    Load8, Load16, Load32, Load64, LoadSx8, LoadSx16, LoadSx32,

    // Loads after which, and stores before which, everything else happens.
    LoadAcquire8, LoadAcquire16, LoadAcquire32, LoadAcquire64,
    Store8, Store16, Store32, Store64,
    StoreRelease8, StoreRelease16, StoreRelease32, StoreRelease64,

    AtomicAdd64, AtomicAdd32, AtomicOr64, AtomicOr32, AtomicAnd64, AtomicAnd32, AtomicXor64, AtomicXor32,
    FetchAdd64, FetchAdd32, FetchOr64, FetchOr32, FetchAnd64, FetchAnd32, FetchXor64, FetchXor32,
    Exchange64, Exchange32, CompareExchange64, CompareExchange32,

    // From an address that the host shares to one that programs use, and back.
    CastToArena, CastFromArena,

    /// <summary>A load, a store or an atomic operation in an arena, once it is known to be one: no program has it.
    /// </summary>
    Arena,

    Ja,
    Jeq64, Jeq32, Jne64, Jne32, Jset64, Jset32,
    Jgt64, Jgt32, Jge64, Jge32, Jlt64, Jlt32, Jle64, Jle32,
    Jsgt64, Jsgt32, Jsge64, Jsge32, Jslt64, Jslt32, Jsle64, Jsle32,

    // Goes there when the run has used up half of its budget: so a loop with one always ends.
    MayGoto,

    // The first half of a 64-bit constant: a number, a map, an address inside a map's value, or a function.
    LoadNumber, LoadMap, LoadMapValue, LoadFunction,

    // Through a register: of the helper whose number it holds.
    CallHelper, CallRegister, CallLocal, Exit,
}
