using System.Runtime.CompilerServices;

namespace Allot.Bpf;

/// <summary>Atomic operations on memory that was checked to be the program's, and aligned.</summary>
internal static unsafe class BpfAtomics
{
    /// <summary>Does the operation and returns what was there before. 32-bit forms return a number of 32
    /// bits.</summary>
    /// <param name="op">The operation, in its form with or without fetch.</param>
    /// <param name="address">A multiple of the size of the operation.</param>
    /// <param name="operand">The second operand.</param>
    /// <param name="comparand">What must be there for a compare and exchange.</param>
    public static ulong Apply(BpfOp op, ulong address, ulong operand, ulong comparand)
    {
        ref ulong at64 = ref Unsafe.AsRef<ulong>((void*)address);
        ref uint at32 = ref Unsafe.AsRef<uint>((void*)address);
        return op switch
        {
            BpfOp.AtomicAdd64 or BpfOp.FetchAdd64 => Interlocked.Add(ref at64, operand) - operand,
            BpfOp.AtomicAdd32 or BpfOp.FetchAdd32 => Interlocked.Add(ref at32, (uint)operand) - (uint)operand,
            BpfOp.AtomicOr64 or BpfOp.FetchOr64 => Interlocked.Or(ref at64, operand),
            BpfOp.AtomicOr32 or BpfOp.FetchOr32 => Interlocked.Or(ref at32, (uint)operand),
            BpfOp.AtomicAnd64 or BpfOp.FetchAnd64 => Interlocked.And(ref at64, operand),
            BpfOp.AtomicAnd32 or BpfOp.FetchAnd32 => Interlocked.And(ref at32, (uint)operand),
            BpfOp.AtomicXor64 or BpfOp.FetchXor64 => BpfArithmetic.FetchXor64(address, operand),
            BpfOp.AtomicXor32 or BpfOp.FetchXor32 => BpfArithmetic.FetchXor32(address, operand),
            BpfOp.Exchange64 => Interlocked.Exchange(ref at64, operand),
            BpfOp.Exchange32 => Interlocked.Exchange(ref at32, (uint)operand),
            BpfOp.CompareExchange64 => Interlocked.CompareExchange(ref at64, operand, comparand),
            _ => Interlocked.CompareExchange(ref at32, (uint)operand, (uint)comparand),
        };
    }
}
