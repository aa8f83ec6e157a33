// Where the operations of BPF and of C# differ: division never fails, counts of shifts are taken modulo the width
// (which C# does too), and what is of 32 bits is zero-extended.

using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Allot.Bpf;

/// <summary>Operations that have no equal in C#. Both engines use these.</summary>
internal static class BpfArithmetic
{
    /// <summary>The result of an arithmetic operation, for those who do not execute a program.</summary>
    public static ulong Evaluate(BpfOp op, ulong a, ulong b) => op switch
    {
        BpfOp.Add64 => a + b,
        BpfOp.Add32 => (uint)(a + b),
        BpfOp.Sub64 => a - b,
        BpfOp.Sub32 => (uint)(a - b),
        BpfOp.Mul64 => a * b,
        BpfOp.Mul32 => (uint)(a * b),
        BpfOp.Div64 => Div64(a, b),
        BpfOp.Div32 => Div32(a, b),
        BpfOp.SDiv64 => SDiv64(a, b),
        BpfOp.SDiv32 => (uint)SDiv32(a, b),
        BpfOp.Mod64 => Mod64(a, b),
        BpfOp.Mod32 => Mod32(a, b),
        BpfOp.SMod64 => SMod64(a, b),
        BpfOp.SMod32 => SMod32(a, b),
        BpfOp.Or64 => a | b,
        BpfOp.Or32 => (uint)(a | b),
        BpfOp.And64 => a & b,
        BpfOp.And32 => (uint)(a & b),
        BpfOp.Xor64 => a ^ b,
        BpfOp.Xor32 => (uint)(a ^ b),
        BpfOp.Lsh64 => a << ((int)b & 63),
        BpfOp.Lsh32 => (uint)a << ((int)b & 31),
        BpfOp.Rsh64 => a >> ((int)b & 63),
        BpfOp.Rsh32 => (uint)a >> ((int)b & 31),
        BpfOp.Arsh64 => (ulong)((long)a >> ((int)b & 63)),
        BpfOp.Arsh32 => (uint)((int)a >> ((int)b & 31)),
        BpfOp.Neg64 => 0 - a,
        BpfOp.Neg32 => (uint)(0 - a),
        BpfOp.Mov64 => b,
        BpfOp.Mov32 => (uint)b,
        BpfOp.MovSx8To64 => (ulong)(sbyte)b,
        BpfOp.MovSx8To32 => (uint)(sbyte)b,
        BpfOp.MovSx16To64 => (ulong)(short)b,
        BpfOp.MovSx16To32 => (uint)(short)b,
        BpfOp.MovSx32To64 => (ulong)(int)b,
        BpfOp.Le16 => Le16(a),
        BpfOp.Le32 => Le32(a),
        BpfOp.Le64 => Le64(a),
        BpfOp.Be16 => Be16(a),
        BpfOp.Be32 => Be32(a),
        BpfOp.Be64 => Be64(a),
        BpfOp.Swap16 => Swap16(a),
        BpfOp.Swap32 => Swap32(a),
        BpfOp.Swap64 => Swap64(a),
        _ => throw new ArgumentOutOfRangeException(nameof(op)),
    };

    public static ulong Div64(ulong a, ulong b) => b == 0 ? 0 : a / b;

    // Divisions of 32 bits are made of 64: the runtime of .NET 10 puts the halves of two registers into a division of
    // 32 bits as they are, and of one that it has to move away for that, keeps only the half (x64).
    public static ulong Div32(ulong a, ulong b) => (uint)b == 0 ? 0 : (uint)a / (ulong)(uint)b;

    public static ulong Mod64(ulong a, ulong b) => b == 0 ? a : a % b;

    public static ulong Mod32(ulong a, ulong b) => (uint)b == 0 ? (uint)a : (uint)a % (ulong)(uint)b;

    public static ulong SDiv64(ulong a, ulong b) => (long)b switch
    {
        0 => 0,
        -1 => 0 - a,   // the smallest number stays itself, where C# would throw
        long divisor => (ulong)((long)a / divisor),
    };

    public static ulong SDiv32(ulong a, ulong b) => (int)b == 0 ? 0 : (uint)((int)a / (long)(int)b);

    public static ulong SMod64(ulong a, ulong b) => (long)b switch
    {
        0 => a,
        -1 => 0,
        long divisor => (ulong)((long)a % divisor),
    };

    public static ulong SMod32(ulong a, ulong b) => (int)b == 0 ? (uint)a : (uint)((int)a % (long)(int)b);

    public static ulong Swap16(ulong a) => BinaryPrimitives.ReverseEndianness((ushort)a);

    public static ulong Swap32(ulong a) => BinaryPrimitives.ReverseEndianness((uint)a);

    public static ulong Swap64(ulong a) => BinaryPrimitives.ReverseEndianness(a);

    public static ulong Le16(ulong a) => BitConverter.IsLittleEndian ? (ushort)a : Swap16(a);

    public static ulong Le32(ulong a) => BitConverter.IsLittleEndian ? (uint)a : Swap32(a);

    public static ulong Le64(ulong a) => BitConverter.IsLittleEndian ? a : Swap64(a);

    public static ulong Be16(ulong a) => BitConverter.IsLittleEndian ? Swap16(a) : (ushort)a;

    public static ulong Be32(ulong a) => BitConverter.IsLittleEndian ? Swap32(a) : (uint)a;

    public static ulong Be64(ulong a) => BitConverter.IsLittleEndian ? Swap64(a) : a;

    public static unsafe ulong FetchXor64(ulong address, ulong operand)
    {
        ref ulong target = ref Unsafe.AsRef<ulong>((void*)address);
        while (true)
        {
            ulong old = Volatile.Read(ref target);
            if (Interlocked.CompareExchange(ref target, old ^ operand, old) == old) return old;
        }
    }

    public static unsafe ulong FetchXor32(ulong address, ulong operand)
    {
        ref uint target = ref Unsafe.AsRef<uint>((void*)address);
        while (true)
        {
            uint old = Volatile.Read(ref target);
            if (Interlocked.CompareExchange(ref target, old ^ (uint)operand, old) == old) return old;
        }
    }
}
