// What a register can hold when it holds a number: bounds of it as an unsigned and as a signed number, of its low half
// in the same two ways, and the bits that are known. Each of the five is right by itself; Deduce lets them learn from
// each other. Every number that a program can compute is inside: too wide is allowed, too narrow never.

namespace Allot.Bpf;

/// <summary>A set of numbers that contains the one that a register holds.</summary>
internal readonly record struct ScalarRange
{
    public static readonly ScalarRange Any = new()
    {
        Bits = KnownBits.Nothing,
        Least = 0,
        Most = ulong.MaxValue,
        SignedLeast = long.MinValue,
        SignedMost = long.MaxValue,
        LowLeast = 0,
        LowMost = uint.MaxValue,
        LowSignedLeast = int.MinValue,
        LowSignedMost = int.MaxValue,
    };

    public KnownBits Bits { get; init; }

    public ulong Least { get; init; }

    public ulong Most { get; init; }

    public long SignedLeast { get; init; }

    public long SignedMost { get; init; }

    public uint LowLeast { get; init; }

    public uint LowMost { get; init; }

    public int LowSignedLeast { get; init; }

    public int LowSignedMost { get; init; }

    public bool IsConstant => Least == Most;

    /// <summary>No number is possible: the path to here is never taken.</summary>
    public bool IsEmpty =>
        Least > Most || SignedLeast > SignedMost || LowLeast > LowMost || LowSignedLeast > LowSignedMost;

    public static ScalarRange Constant(ulong value) => new()
    {
        Bits = KnownBits.Constant(value),
        Least = value,
        Most = value,
        SignedLeast = (long)value,
        SignedMost = (long)value,
        LowLeast = (uint)value,
        LowMost = (uint)value,
        LowSignedLeast = (int)value,
        LowSignedMost = (int)value,
    };

    public static ScalarRange Between(ulong least, ulong most) => (Any with { Least = least, Most = most }).Deduce();

    public static ScalarRange BetweenSigned(long least, long most) =>
        (Any with { SignedLeast = least, SignedMost = most }).Deduce();

    public bool Has(ulong number) =>
        number >= Least && number <= Most && (long)number >= SignedLeast && (long)number <= SignedMost
        && (uint)number >= LowLeast && (uint)number <= LowMost
        && (int)number >= LowSignedLeast && (int)number <= LowSignedMost && Bits.Has(number);

    /// <summary>Whether every number of the other is one of this.</summary>
    public bool Covers(in ScalarRange other) =>
        Least <= other.Least && Most >= other.Most
        && SignedLeast <= other.SignedLeast && SignedMost >= other.SignedMost
        && LowLeast <= other.LowLeast && LowMost >= other.LowMost
        && LowSignedLeast <= other.LowSignedLeast && LowSignedMost >= other.LowSignedMost && Bits.Covers(other.Bits);

    /// <summary>The numbers that are in either, and those between.</summary>
    public static ScalarRange Hull(in ScalarRange a, in ScalarRange b) => new ScalarRange
    {
        Bits = KnownBits.Hull(a.Bits, b.Bits),
        Least = ulong.Min(a.Least, b.Least),
        Most = ulong.Max(a.Most, b.Most),
        SignedLeast = long.Min(a.SignedLeast, b.SignedLeast),
        SignedMost = long.Max(a.SignedMost, b.SignedMost),
        LowLeast = uint.Min(a.LowLeast, b.LowLeast),
        LowMost = uint.Max(a.LowMost, b.LowMost),
        LowSignedLeast = int.Min(a.LowSignedLeast, b.LowSignedLeast),
        LowSignedMost = int.Max(a.LowSignedMost, b.LowSignedMost),
    }.Deduce();

    /// <summary>The numbers that are in both.</summary>
    public static ScalarRange Both(in ScalarRange a, in ScalarRange b)
    {
        if (KnownBits.Both(a.Bits, b.Bits) is not { } bits) return Any with { Least = 1, Most = 0 };
        return new ScalarRange
        {
            Bits = bits,
            Least = ulong.Max(a.Least, b.Least),
            Most = ulong.Min(a.Most, b.Most),
            SignedLeast = long.Max(a.SignedLeast, b.SignedLeast),
            SignedMost = long.Min(a.SignedMost, b.SignedMost),
            LowLeast = uint.Max(a.LowLeast, b.LowLeast),
            LowMost = uint.Min(a.LowMost, b.LowMost),
            LowSignedLeast = int.Max(a.LowSignedLeast, b.LowSignedLeast),
            LowSignedMost = int.Min(a.LowSignedMost, b.LowSignedMost),
        }.Deduce();
    }

    /// <summary>The low half, zero-extended.</summary>
    public ScalarRange Low() => new ScalarRange
    {
        Bits = Bits.Low(32),
        Least = LowLeast,
        Most = LowMost,
        SignedLeast = LowLeast,
        SignedMost = LowMost,
        LowLeast = LowLeast,
        LowMost = LowMost,
        LowSignedLeast = LowSignedLeast,
        LowSignedMost = LowSignedMost,
    }.Deduce();

    /// <summary>The same numbers, with what each view can learn from the others.</summary>
    public ScalarRange Deduce()
    {
        ScalarRange range = this;
        for (int round = 0; round < 2; round++)
        {
            range = range.FromBits().HighFromSign().LowFromHigh().LowFromSign().HighFromLow();
            if (range.IsEmpty) return range;
            if (KnownBits.Both(range.Bits, KnownBits.OfRange(range.Least, range.Most)) is not { } bits) return Empty();
            KnownBits low = KnownBits.OfRange(range.LowLeast, range.LowMost);
            low = low with { Unknown = low.Unknown | 0xffff_ffff_0000_0000 };
            if (KnownBits.Both(bits, low) is not { } both) return Empty();
            range = range with { Bits = both };
        }

        return range;
    }

    private static ScalarRange Empty() => Any with { Least = 1, Most = 0 };

    private ScalarRange FromBits()
    {
        const ulong Sign = 1ul << 63;
        const uint LowSign = 1u << 31;
        KnownBits low = Bits.Low(32);
        return this with
        {
            Least = ulong.Max(Least, Bits.Least),
            Most = ulong.Min(Most, Bits.Most),
            SignedLeast = long.Max(SignedLeast, (long)(Bits.Value | (Bits.Unknown & Sign))),
            SignedMost = long.Min(SignedMost, (long)(Bits.Value | (Bits.Unknown & ~Sign))),
            LowLeast = uint.Max(LowLeast, (uint)low.Least),
            LowMost = uint.Min(LowMost, (uint)low.Most),
            LowSignedLeast = int.Max(LowSignedLeast, (int)((uint)low.Value | ((uint)low.Unknown & LowSign))),
            LowSignedMost = int.Min(LowSignedMost, (int)((uint)low.Value | ((uint)low.Unknown & ~LowSign))),
        };
    }

    // Where the sign does not change, signed and unsigned order are the same.
    private ScalarRange HighFromSign()
    {
        ScalarRange range = this;
        if ((long)range.Least <= (long)range.Most)
        {
            range = range with
            {
                SignedLeast = long.Max(range.SignedLeast, (long)range.Least),
                SignedMost = long.Min(range.SignedMost, (long)range.Most),
            };
        }

        if (range.SignedLeast < 0 && range.SignedMost >= 0) return range;
        return range with
        {
            Least = ulong.Max(range.Least, (ulong)range.SignedLeast),
            Most = ulong.Min(range.Most, (ulong)range.SignedMost),
        };
    }

    private ScalarRange LowFromSign()
    {
        ScalarRange range = this;
        if ((int)range.LowLeast <= (int)range.LowMost)
        {
            range = range with
            {
                LowSignedLeast = int.Max(range.LowSignedLeast, (int)range.LowLeast),
                LowSignedMost = int.Min(range.LowSignedMost, (int)range.LowMost),
            };
        }

        if (range.LowSignedLeast < 0 && range.LowSignedMost >= 0) return range;
        return range with
        {
            LowLeast = uint.Max(range.LowLeast, (uint)range.LowSignedLeast),
            LowMost = uint.Min(range.LowMost, (uint)range.LowSignedMost),
        };
    }

    // Where the high half does not change, the low half is in order.
    private ScalarRange LowFromHigh()
    {
        ScalarRange range = this;
        if (range.Least >> 32 == range.Most >> 32)
        {
            range = range with
            {
                LowLeast = uint.Max(range.LowLeast, (uint)range.Least),
                LowMost = uint.Min(range.LowMost, (uint)range.Most),
            };
        }

        if (range.SignedLeast >= int.MinValue && range.SignedMost <= int.MaxValue)
        {
            range = range with
            {
                LowSignedLeast = int.Max(range.LowSignedLeast, (int)range.SignedLeast),
                LowSignedMost = int.Min(range.LowSignedMost, (int)range.SignedMost),
            };
        }

        return range;
    }

    private ScalarRange HighFromLow()
    {
        if (Least > Most || Least >> 32 != Most >> 32) return this;
        ulong high = Least & 0xffff_ffff_0000_0000;
        return this with
        {
            Least = ulong.Max(Least, high | LowLeast),
            Most = ulong.Min(Most, high | LowMost),
        };
    }
}
