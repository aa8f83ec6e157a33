namespace Allot.Bpf;

/// <summary>What all of the code asks about an operation.</summary>
internal static class BpfOps
{
    /// <summary>The operation so many places further down the list.</summary>
    public static BpfOp Plus(this BpfOp op, int places) => (BpfOp)((int)op + places);

    public static bool IsJump(this BpfOp op) => op is >= BpfOp.Ja and <= BpfOp.MayGoto;

    /// <summary>A comparison, and a jump by what it gives.</summary>
    public static bool IsConditionalJump(this BpfOp op) => op is > BpfOp.Ja and <= BpfOp.Jsle32;

    public static bool IsArithmetic(this BpfOp op) => op is >= BpfOp.Add64 and <= BpfOp.Swap64;

    public static bool IsLoad(this BpfOp op) => op is >= BpfOp.Load8 and <= BpfOp.LoadAcquire64;

    public static bool IsStore(this BpfOp op) => op is >= BpfOp.Store8 and <= BpfOp.StoreRelease64;

    /// <summary>A load or store that has its place among those of other threads, and must be aligned.</summary>
    public static bool IsOrdered(this BpfOp op) =>
        op is >= BpfOp.LoadAcquire8 and <= BpfOp.LoadAcquire64 or >= BpfOp.StoreRelease8 and <= BpfOp.StoreRelease64;

    public static bool IsAtomic(this BpfOp op) => op is >= BpfOp.AtomicAdd64 and <= BpfOp.CompareExchange32;

    /// <summary>An atomic operation that puts the old value into a register.</summary>
    public static bool IsFetch(this BpfOp op) => op is >= BpfOp.FetchAdd64 and <= BpfOp.CompareExchange32;

    /// <summary>Between the two kinds of addresses in an arena.</summary>
    public static bool IsCast(this BpfOp op) => op is BpfOp.CastToArena or BpfOp.CastFromArena;

    public static bool IsConstant(this BpfOp op) => op is >= BpfOp.LoadNumber and <= BpfOp.LoadFunction;

    /// <summary>Whether the offset is the first instruction of a function.</summary>
    public static bool NamesFunction(this BpfOp op) => op is BpfOp.CallLocal or BpfOp.LoadFunction;

    /// <summary>Whether the operation is the 32-bit form of one that comes in pairs.</summary>
    public static bool Is32(this BpfOp op) => op switch
    {
        >= BpfOp.Add64 and <= BpfOp.Mov32 => ((op - BpfOp.Add64) & 1) != 0,
        >= BpfOp.AtomicAdd64 and <= BpfOp.CompareExchange32 => ((op - BpfOp.AtomicAdd64) & 1) != 0,
        >= BpfOp.Jeq64 and <= BpfOp.Jsle32 => ((op - BpfOp.Jeq64) & 1) != 0,
        BpfOp.MovSx8To32 or BpfOp.MovSx16To32 => true,
        _ => false,
    };

    /// <summary>The 64-bit form of one that comes in pairs.</summary>
    public static BpfOp As64(this BpfOp op) => op.Is32() ? op - 1 : op;

    /// <summary>The bytes of memory that an operation reads or writes; 0 if none.</summary>
    public static int AccessBytes(this BpfOp op) => op switch
    {
        >= BpfOp.Load8 and <= BpfOp.Load64 => 1 << (op - BpfOp.Load8),
        >= BpfOp.LoadSx8 and <= BpfOp.LoadSx32 => 1 << (op - BpfOp.LoadSx8),
        >= BpfOp.LoadAcquire8 and <= BpfOp.LoadAcquire64 => 1 << (op - BpfOp.LoadAcquire8),
        >= BpfOp.Store8 and <= BpfOp.Store64 => 1 << (op - BpfOp.Store8),
        >= BpfOp.StoreRelease8 and <= BpfOp.StoreRelease64 => 1 << (op - BpfOp.StoreRelease8),
        _ when op.IsAtomic() => op.Is32() ? 4 : 8,
        _ => 0,
    };
}
