namespace Allot.Bpf;

/// <summary>What a conditional jump tells about the numbers that it compares.</summary>
internal static class ScalarComparison
{
    /// <summary>Both ranges where the jump is taken or not; one of them is empty where that cannot be.</summary>
    public static (ScalarRange A, ScalarRange B) Assume(BpfOp op, bool isTaken, in ScalarRange a, in ScalarRange b)
    {
        // Every comparison is one of six, on the numbers or on their low halves.
        (BpfOp kind, bool swaps) = (op.As64(), isTaken) switch
        {
            (BpfOp.Jeq64, true) or (BpfOp.Jne64, false) => (BpfOp.Jeq64, false),
            (BpfOp.Jne64, true) or (BpfOp.Jeq64, false) => (BpfOp.Jne64, false),
            (BpfOp.Jlt64, true) or (BpfOp.Jge64, false) => (BpfOp.Jlt64, false),
            (BpfOp.Jle64, true) or (BpfOp.Jgt64, false) => (BpfOp.Jle64, false),
            (BpfOp.Jgt64, true) or (BpfOp.Jle64, false) => (BpfOp.Jlt64, true),
            (BpfOp.Jge64, true) or (BpfOp.Jlt64, false) => (BpfOp.Jle64, true),
            (BpfOp.Jslt64, true) or (BpfOp.Jsge64, false) => (BpfOp.Jslt64, false),
            (BpfOp.Jsle64, true) or (BpfOp.Jsgt64, false) => (BpfOp.Jsle64, false),
            (BpfOp.Jsgt64, true) or (BpfOp.Jsle64, false) => (BpfOp.Jslt64, true),
            (BpfOp.Jsge64, true) or (BpfOp.Jslt64, false) => (BpfOp.Jsle64, true),
            (_, true) => (BpfOp.Jset64, false),
            _ => (BpfOp.None, false),   // no bit in common
        };
        (ScalarRange first, ScalarRange second) = swaps ? (b, a) : (a, b);
        (first, second) = op.Is32() ? Low(kind, first, second) : High(kind, first, second);
        first = first.Deduce();
        second = second.Deduce();
        return swaps ? (second, first) : (first, second);
    }

    private static (ScalarRange A, ScalarRange B) High(BpfOp kind, ScalarRange a, ScalarRange b)
    {
        switch (kind)
        {
            case BpfOp.Jeq64:
                ScalarRange both = ScalarRange.Both(a, b);
                return (both, both);
            case BpfOp.Jne64:
                return (Without(a, b), Without(b, a));
            case BpfOp.Jlt64:
                if (b.Most == 0 || a.Least == ulong.MaxValue) return (Empty, Empty);
                return (
                    a with { Most = ulong.Min(a.Most, b.Most - 1) },
                    b with { Least = ulong.Max(b.Least, a.Least + 1) });
            case BpfOp.Jle64:
                return (a with { Most = ulong.Min(a.Most, b.Most) }, b with { Least = ulong.Max(b.Least, a.Least) });
            case BpfOp.Jslt64:
                if (b.SignedMost == long.MinValue || a.SignedLeast == long.MaxValue) return (Empty, Empty);
                return (
                    a with { SignedMost = long.Min(a.SignedMost, b.SignedMost - 1) },
                    b with { SignedLeast = long.Max(b.SignedLeast, a.SignedLeast + 1) });
            case BpfOp.Jsle64:
                return (
                    a with { SignedMost = long.Min(a.SignedMost, b.SignedMost) },
                    b with { SignedLeast = long.Max(b.SignedLeast, a.SignedLeast) });
            case BpfOp.Jset64:
                return (WithCommonBit(a, b, ulong.MaxValue), b);
            default:
                return (WithoutBits(a, b, ulong.MaxValue), b);
        }
    }

    private static (ScalarRange A, ScalarRange B) Low(BpfOp kind, ScalarRange a, ScalarRange b)
    {
        switch (kind)
        {
            case BpfOp.Jeq64:
                return (WithLow(a, b), WithLow(b, a));
            case BpfOp.Jne64:
                return (WithoutLow(a, b), WithoutLow(b, a));
            case BpfOp.Jlt64:
                if (b.LowMost == 0 || a.LowLeast == uint.MaxValue) return (Empty, Empty);
                return (
                    a with { LowMost = uint.Min(a.LowMost, b.LowMost - 1) },
                    b with { LowLeast = uint.Max(b.LowLeast, a.LowLeast + 1) });
            case BpfOp.Jle64:
                return (
                    a with { LowMost = uint.Min(a.LowMost, b.LowMost) },
                    b with { LowLeast = uint.Max(b.LowLeast, a.LowLeast) });
            case BpfOp.Jslt64:
                if (b.LowSignedMost == int.MinValue || a.LowSignedLeast == int.MaxValue) return (Empty, Empty);
                return (
                    a with { LowSignedMost = int.Min(a.LowSignedMost, b.LowSignedMost - 1) },
                    b with { LowSignedLeast = int.Max(b.LowSignedLeast, a.LowSignedLeast + 1) });
            case BpfOp.Jsle64:
                return (
                    a with { LowSignedMost = int.Min(a.LowSignedMost, b.LowSignedMost) },
                    b with { LowSignedLeast = int.Max(b.LowSignedLeast, a.LowSignedLeast) });
            case BpfOp.Jset64:
                return (WithCommonBit(a, b, uint.MaxValue), b);
            default:
                return (WithoutBits(a, b, uint.MaxValue), b);
        }
    }

    private static ScalarRange Empty => ScalarRange.Any with { Least = 1, Most = 0 };

    private static ScalarRange Without(ScalarRange a, in ScalarRange b)
    {
        if (!b.IsConstant) return a;
        if (a.IsConstant) return a.Least == b.Least ? Empty : a;
        if (a.Least == b.Least) a = a with { Least = a.Least + 1 };
        if (a.Most == b.Least) a = a with { Most = a.Most - 1 };
        if (a.SignedLeast == (long)b.Least) a = a with { SignedLeast = a.SignedLeast + 1 };
        if (a.SignedMost == (long)b.Least) a = a with { SignedMost = a.SignedMost - 1 };
        return a;
    }

    private static ScalarRange WithoutLow(ScalarRange a, in ScalarRange b)
    {
        if (b.LowLeast != b.LowMost) return a;
        uint number = b.LowLeast;
        if (a.LowLeast == a.LowMost) return a.LowLeast == number ? Empty : a;
        if (a.LowLeast == number) a = a with { LowLeast = number + 1 };
        if (a.LowMost == number) a = a with { LowMost = number - 1 };
        if (a.LowSignedLeast == (int)number) a = a with { LowSignedLeast = a.LowSignedLeast + 1 };
        if (a.LowSignedMost == (int)number) a = a with { LowSignedMost = a.LowSignedMost - 1 };
        return a;
    }

    private static ScalarRange WithLow(in ScalarRange a, in ScalarRange b)
    {
        KnownBits low = b.Bits.Low(32);
        return ScalarRange.Both(a, ScalarRange.Any with
        {
            Bits = low with { Unknown = low.Unknown | 0xffff_ffff_0000_0000 },
            LowLeast = b.LowLeast,
            LowMost = b.LowMost,
            LowSignedLeast = b.LowSignedLeast,
            LowSignedMost = b.LowSignedMost,
        });
    }

    private static ScalarRange WithCommonBit(in ScalarRange a, in ScalarRange b, ulong mask)
    {
        if ((a.Bits.Most & b.Bits.Most & mask) == 0) return Empty;
        ulong bit = b.Least & mask;
        if (!b.IsConstant || !ulong.IsPow2(bit)) return a;
        return KnownBits.Both(a.Bits, new KnownBits(bit, ~bit)) is { } bits ? a with { Bits = bits } : Empty;
    }

    private static ScalarRange WithoutBits(in ScalarRange a, in ScalarRange b, ulong mask)
    {
        if (!b.IsConstant) return a;
        return KnownBits.Both(a.Bits, new KnownBits(0, ~(b.Least & mask))) is { } bits ? a with { Bits = bits } : Empty;
    }
}
