using System.Numerics;

namespace Allot.Bpf;

/// <summary>What is known of the bits of a number: where <see cref="Unknown"/> has a 1 the bit may be either, elsewhere
/// it is that of <see cref="Value"/>, which has no bit where it is unknown.</summary>
internal readonly record struct KnownBits(ulong Value, ulong Unknown)
{
    public static readonly KnownBits Nothing = new(0, ulong.MaxValue);

    public static KnownBits Constant(ulong value) => new(value, 0);

    public ulong Least => Value;

    public ulong Most => Value | Unknown;

    /// <summary>The bits that all numbers from <paramref name="least"/> to <paramref name="most"/> have in common.
    /// </summary>
    public static KnownBits OfRange(ulong least, ulong most)
    {
        int same = BitOperations.LeadingZeroCount(least ^ most);
        if (same == 64) return Constant(least);
        ulong unknown = ulong.MaxValue >> same;
        return new(least & ~unknown, unknown);
    }

    /// <summary>What is known of numbers that are of one or of the other.</summary>
    public static KnownBits Hull(KnownBits a, KnownBits b)
    {
        ulong unknown = a.Unknown | b.Unknown | (a.Value ^ b.Value);
        return new KnownBits(a.Value & ~unknown, unknown);
    }

    /// <summary>What both know; null when they contradict each other.</summary>
    public static KnownBits? Both(KnownBits a, KnownBits b)
    {
        if (((a.Value ^ b.Value) & ~a.Unknown & ~b.Unknown) != 0) return null;
        ulong unknown = a.Unknown & b.Unknown;
        return new((a.Value | b.Value) & ~unknown, unknown);
    }

    public bool Has(ulong number) => (number & ~Unknown) == Value;

    /// <summary>Whether every number that <paramref name="other"/> allows is allowed here.</summary>
    public bool Covers(KnownBits other) => (other.Unknown & ~Unknown) == 0 && (other.Value & ~Unknown) == Value;

    // A carry is known where adding the least and the most gives the same one.
    public static KnownBits operator +(KnownBits a, KnownBits b)
    {
        ulong value = a.Value + b.Value;
        ulong most = a.Most + b.Most;
        ulong unknown = (value ^ most ^ a.Unknown ^ b.Unknown) | a.Unknown | b.Unknown;
        return new(value & ~unknown, unknown);
    }

    // a - b is a + ~b + 1, and ~b is known where b is.
    public static KnownBits operator -(KnownBits a, KnownBits b)
    {
        ulong least = a.Value - b.Most;
        ulong most = a.Most - b.Value;
        ulong value = a.Value - b.Value;
        ulong unknown = (least ^ value) | (most ^ value) | a.Unknown | b.Unknown;
        return new(value & ~unknown, unknown);
    }

    public static KnownBits operator &(KnownBits a, KnownBits b)
    {
        ulong value = a.Value & b.Value;
        return new(value, a.Most & b.Most & ~value);
    }

    public static KnownBits operator |(KnownBits a, KnownBits b)
    {
        ulong value = a.Value | b.Value;
        return new(value, (a.Unknown | b.Unknown) & ~value);
    }

    public static KnownBits operator ^(KnownBits a, KnownBits b)
    {
        ulong unknown = a.Unknown | b.Unknown;
        return new((a.Value ^ b.Value) & ~unknown, unknown);
    }

    public static KnownBits operator <<(KnownBits a, int count) => new(a.Value << count, a.Unknown << count);

    public static KnownBits operator >>>(KnownBits a, int count) => new(a.Value >> count, a.Unknown >> count);

    public static KnownBits operator >>(KnownBits a, int count) =>
        new((ulong)((long)a.Value >> count) & ~(ulong)((long)a.Unknown >> count), (ulong)((long)a.Unknown >> count));

    /// <summary>The low bits, fewer than 64, and zeros above.</summary>
    public KnownBits Low(int bits) => new(Value & ((1ul << bits) - 1), Unknown & ((1ul << bits) - 1));
}
