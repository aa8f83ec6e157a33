// What arithmetic does to ranges. Bounds are computed in numbers of 128 bits: what no longer fits has wrapped around,
// and then nothing is known. Two constants are computed by the function that the engines use.

namespace Allot.Bpf;

/// <summary>Arithmetic on ranges: every result that a program can get is in the result.</summary>
internal static class ScalarArithmetic
{
    /// <summary>The result of an operation of the 64-bit or 32-bit form.</summary>
    public static ScalarRange Apply(BpfOp op, in ScalarRange a, in ScalarRange b)
    {
        bool hasOne = op is >= BpfOp.MovSx8To64 and <= BpfOp.Swap64 || op.As64() is BpfOp.Neg64 or BpfOp.Mov64;
        if (hasOne) return One(op, a, b);
        if (a.IsConstant && b.IsConstant) return ScalarRange.Constant(BpfArithmetic.Evaluate(op, a.Least, b.Least));
        if (!op.Is32()) return Wide(op, a, b);
        ScalarRange low = Wide(op.As64(), LowOf(op, a), LowOf(op, b));
        return Narrow(op, a, b, low).Low();
    }

    // The low half is the same whatever the high half was, for these; the other operations work on halves that were
    // extended as they see them.
    private static ScalarRange LowOf(BpfOp op, in ScalarRange range) => op switch
    {
        BpfOp.Arsh32 or BpfOp.SDiv32 or BpfOp.SMod32 => SignExtend(range, 32),
        _ => range.Low(),
    };

    private static ScalarRange Narrow(BpfOp op, in ScalarRange a, in ScalarRange b, in ScalarRange wide) => op switch
    {
        // Counts are taken modulo 32, not 64: only counts that are the same in both say anything.
        BpfOp.Lsh32 or BpfOp.Rsh32 or BpfOp.Arsh32 when !b.IsConstant || b.Least > 31 => ScalarRange.Any,
        BpfOp.Mod32 or BpfOp.Div32 or BpfOp.Lsh32 or BpfOp.Rsh32 or BpfOp.Arsh32 => wide,
        BpfOp.SDiv32 or BpfOp.SMod32 => ScalarRange.Any,
        _ => wide,
    };

    private static ScalarRange Wide(BpfOp op, in ScalarRange a, in ScalarRange b) => op switch
    {
        BpfOp.Add64 => Bounded(a, b, a.Bits + b.Bits, Add, lowHolds: true),
        BpfOp.Sub64 => Bounded(a, b, a.Bits - b.Bits, Subtract, lowHolds: true),
        BpfOp.Mul64 => Bounded(a, b, KnownBits.Nothing, Multiply, lowHolds: true),
        BpfOp.And64 => (ScalarRange.Any with { Bits = a.Bits & b.Bits, Most = ulong.Min(a.Most, b.Most) }).Deduce(),
        BpfOp.Or64 => (ScalarRange.Any with { Bits = a.Bits | b.Bits, Least = ulong.Max(a.Least, b.Least) }).Deduce(),
        BpfOp.Xor64 => (ScalarRange.Any with { Bits = a.Bits ^ b.Bits }).Deduce(),
        BpfOp.Lsh64 => LeftShift(a, b),
        BpfOp.Rsh64 => RightShift(a, b),
        BpfOp.Arsh64 => SignedShift(a, b),
        BpfOp.Div64 when b.IsConstant && b.Least != 0 => ScalarRange.Between(a.Least / b.Least, a.Most / b.Least),
        BpfOp.Div64 => ScalarRange.Between(0, a.Most),
        BpfOp.Mod64 when b.IsConstant && b.Least != 0 =>
            a.Most < b.Least ? a : ScalarRange.Between(0, ulong.Min(a.Most, b.Least - 1)),
        BpfOp.Mod64 => ScalarRange.Between(0, a.Most),
        _ => ScalarRange.Any,
    };

    private static ScalarRange One(BpfOp op, in ScalarRange a, in ScalarRange b)
    {
        // A move and an extension take the second operand, all others the first.
        ScalarRange source = op is >= BpfOp.MovSx8To64 and <= BpfOp.MovSx32To64 || op.As64() == BpfOp.Mov64 ? b : a;
        if (source.IsConstant) return ScalarRange.Constant(BpfArithmetic.Evaluate(op, source.Least, source.Least));
        return op switch
        {
            BpfOp.Mov64 => source,
            BpfOp.Mov32 => source.Low(),
            BpfOp.MovSx8To64 => SignExtend(source, 8),
            BpfOp.MovSx8To32 => SignExtend(source, 8).Low(),
            BpfOp.MovSx16To64 => SignExtend(source, 16),
            BpfOp.MovSx16To32 => SignExtend(source, 16).Low(),
            BpfOp.MovSx32To64 => SignExtend(source, 32),
            BpfOp.Neg64 => Wide(BpfOp.Sub64, ScalarRange.Constant(0), source),
            BpfOp.Neg32 => Wide(BpfOp.Sub64, ScalarRange.Constant(0), source.Low()).Low(),
            BpfOp.Le64 or BpfOp.Be64 or BpfOp.Swap64 => ScalarRange.Any,
            BpfOp.Le32 or BpfOp.Be32 or BpfOp.Swap32 => ScalarRange.Between(0, uint.MaxValue),
            _ => ScalarRange.Between(0, ushort.MaxValue),
        };
    }

    public static ScalarRange SignExtend(in ScalarRange range, int bits)
    {
        long most = (1L << (bits - 1)) - 1;
        if (range.SignedLeast >= -most - 1 && range.SignedMost <= most) return range;
        return bits == 32
            ? ScalarRange.BetweenSigned(range.LowSignedLeast, range.LowSignedMost)
            : ScalarRange.BetweenSigned(-most - 1, most);
    }

    private static (Int128 Least, Int128 Most) Add(Int128 a, Int128 aMost, Int128 b, Int128 bMost) =>
        (a + b, aMost + bMost);

    private static (Int128 Least, Int128 Most) Subtract(Int128 a, Int128 aMost, Int128 b, Int128 bMost) =>
        (a - bMost, aMost - b);

    // The product of two numbers of 64 bits fits 128 but for the last bit; large ones are given up before.
    private static (Int128 Least, Int128 Most) Multiply(Int128 a, Int128 aMost, Int128 b, Int128 bMost)
    {
        Int128 limit = Int128.One << 62;
        if (a < -limit || b < -limit || aMost > limit || bMost > limit) return (Int128.MinValue, Int128.MaxValue);
        Int128 p = a * b, q = a * bMost, r = aMost * b, s = aMost * bMost;
        return (Int128.Min(Int128.Min(p, q), Int128.Min(r, s)), Int128.Max(Int128.Max(p, q), Int128.Max(r, s)));
    }

    private static ScalarRange Bounded(
        in ScalarRange a,
        in ScalarRange b,
        KnownBits bits,
        Func<Int128, Int128, Int128, Int128, (Int128 Least, Int128 Most)> operation,
        bool lowHolds)
    {
        ScalarRange range = ScalarRange.Any with { Bits = bits };
        (Int128 least, Int128 most) = operation(a.Least, a.Most, b.Least, b.Most);
        if (least >= 0 && most <= ulong.MaxValue) range = range with { Least = (ulong)least, Most = (ulong)most };
        (least, most) = operation(a.SignedLeast, a.SignedMost, b.SignedLeast, b.SignedMost);
        if (least >= long.MinValue && most <= long.MaxValue)
        {
            range = range with { SignedLeast = (long)least, SignedMost = (long)most };
        }

        if (lowHolds)
        {
            (least, most) = operation(a.LowLeast, a.LowMost, b.LowLeast, b.LowMost);
            if (least >= 0 && most <= uint.MaxValue)
            {
                range = range with { LowLeast = (uint)least, LowMost = (uint)most };
            }

            (least, most) = operation(a.LowSignedLeast, a.LowSignedMost, b.LowSignedLeast, b.LowSignedMost);
            if (least >= int.MinValue && most <= int.MaxValue)
            {
                range = range with { LowSignedLeast = (int)least, LowSignedMost = (int)most };
            }
        }

        return range.Deduce();
    }

    private static ScalarRange LeftShift(in ScalarRange a, in ScalarRange b)
    {
        if (!b.IsConstant) return ScalarRange.Any;
        int count = (int)b.Least & 63;
        ScalarRange range = ScalarRange.Any with { Bits = a.Bits << count };
        if (a.Most <= ulong.MaxValue >> count) range = range with { Least = a.Least << count, Most = a.Most << count };
        return range.Deduce();
    }

    private static ScalarRange RightShift(in ScalarRange a, in ScalarRange b)
    {
        if (!b.IsConstant) return ScalarRange.Between(0, a.Most);
        int count = (int)b.Least & 63;
        return (ScalarRange.Any with
        {
            Bits = a.Bits >>> count,
            Least = a.Least >> count,
            Most = a.Most >> count,
        }).Deduce();
    }

    private static ScalarRange SignedShift(in ScalarRange a, in ScalarRange b)
    {
        if (!b.IsConstant) return ScalarRange.Any;
        int count = (int)b.Least & 63;
        return (ScalarRange.Any with
        {
            Bits = a.Bits >> count,
            SignedLeast = a.SignedLeast >> count,
            SignedMost = a.SignedMost >> count,
        }).Deduce();
    }
}
