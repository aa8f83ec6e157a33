// Where the operations of BPF and of C# differ: division never fails, counts of shifts are taken modulo the width
// (which C# does too), and what is of 32 bits is zero-extended.

using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Allot.Bpf;

/// <summary>Operations that have no equal in C#. Both engines use these.</summary>
internal static class BpfArithmetic
{
    public static ulong Div64(ulong a, ulong b) => b == 0 ? 0 : a / b;

    public static ulong Div32(ulong a, ulong b) => (uint)b == 0 ? 0 : (uint)a / (uint)b;

    public static ulong Mod64(ulong a, ulong b) => b == 0 ? a : a % b;

    public static ulong Mod32(ulong a, ulong b) => (uint)b == 0 ? (uint)a : (uint)a % (uint)b;

    public static ulong SDiv64(ulong a, ulong b) => (long)b switch
    {
        0 => 0,
        -1 => 0 - a,   // the smallest number stays itself, where C# would throw
        long divisor => (ulong)((long)a / divisor),
    };

    public static ulong SDiv32(ulong a, ulong b) => (int)b switch
    {
        0 => 0,
        -1 => 0 - (uint)a,
        int divisor => (uint)((int)a / divisor),
    };

    public static ulong SMod64(ulong a, ulong b) => (long)b switch
    {
        0 => a,
        -1 => 0,
        long divisor => (ulong)((long)a % divisor),
    };

    public static ulong SMod32(ulong a, ulong b) => (int)b switch
    {
        0 => (uint)a,
        -1 => 0,
        int divisor => (uint)((int)a % divisor),
    };

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
