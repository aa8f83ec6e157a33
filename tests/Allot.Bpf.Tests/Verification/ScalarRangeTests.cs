using Allot.Testing;

namespace Allot.Bpf.Tests.Verification;

/// <summary>What the verifier says of numbers contains every number that can be computed.</summary>
public sealed class ScalarRangeTests
{
    private static readonly ulong[] s_edges =
        [0, 1, 2, 7, 31, 63, 0x7f, 0x80, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 1ul << 32, long.MaxValue, 1ul << 63, ulong.MaxValue];

    [Fact]
    public void Arithmetic_on_ranges_contains_arithmetic_on_their_numbers()
    {
        var random = new Prng(7);
        BpfOp[] operations = [.. Enum.GetValues<BpfOp>().Where(op => op.IsArithmetic())];
        for (int round = 0; round < 60_000; round++)
        {
            (ulong a, ScalarRange rangeOfA) = Sample(random);
            (ulong b, ScalarRange rangeOfB) = Sample(random);
            BpfOp op = random.Pick(operations);
            ScalarRange range = ScalarArithmetic.Apply(op, rangeOfA, rangeOfB);
            ulong result = BpfArithmetic.Evaluate(op, a, b);
            Assert.True(range.Has(result), $"round {round}: {op} {a:x} {b:x} = {result:x}\n{rangeOfA}\n{rangeOfB}\n{range}");
        }
    }

    [Fact]
    public void Comparisons_keep_every_number_that_passes_them()
    {
        var random = new Prng(8);
        BpfOp[] jumps = [.. Enum.GetValues<BpfOp>().Where(op => op.IsConditionalJump())];
        for (int round = 0; round < 60_000; round++)
        {
            (ulong a, ScalarRange rangeOfA) = Sample(random);
            (ulong b, ScalarRange rangeOfB) = Sample(random);
            BpfOp op = random.Pick(jumps);
            bool isTaken = IsTaken(op, a, b);
            (ScalarRange first, ScalarRange second) = ScalarComparison.Assume(op, isTaken, rangeOfA, rangeOfB);
            Assert.True(
                first.Has(a) && second.Has(b) && !first.IsEmpty && !second.IsEmpty,
                $"round {round}: {op} {a:x} {b:x}, taken {isTaken}\n{rangeOfA}\n{rangeOfB}\n{first}\n{second}");
        }
    }

    [Fact]
    public void A_range_covers_itself_and_what_is_narrower()
    {
        Assert.True(ScalarRange.Any.Covers(ScalarRange.Between(3, 9)));
        Assert.True(ScalarRange.Between(0, 100).Covers(ScalarRange.Between(3, 9)));
        Assert.False(ScalarRange.Between(3, 9).Covers(ScalarRange.Between(0, 100)));
        Assert.True(ScalarRange.Constant(5).Covers(ScalarRange.Constant(5)));
    }

    // A number, and a range around it that was made in one of several ways.
    private static (ulong Number, ScalarRange Range) Sample(Prng random)
    {
        ulong number = random.OneIn(2) ? random.Pick(s_edges) + (ulong)random.Below(3) : random.Next() >> random.Below(64);
        ScalarRange range = random.Below(6) switch
        {
            0 => ScalarRange.Constant(number),
            1 => ScalarRange.Any,
            2 => ScalarRange.Between(number - ulong.Min(number, random.Next() >> random.Below(64)), number),
            3 => ScalarRange.Between(number, number + ulong.Min(ulong.MaxValue - number, random.Next() >> random.Below(64))),
            4 => Masked(number, random.Next()),
            _ => ScalarRange.BetweenSigned(
                (long)number < 0 ? long.MinValue : -(random.Below(1000) + 1), (long)number < 0 ? random.Below(1000) : long.MaxValue),
        };
        Assert.True(range.Has(number), $"{number:x} {range}");
        return (number, range);
    }

    private static ScalarRange Masked(ulong number, ulong unknown) =>
        (ScalarRange.Any with { Bits = new KnownBits(number & ~unknown, unknown) }).Deduce();

    private static bool IsTaken(BpfOp op, ulong a, ulong b)
    {
        (a, b) = op.Is32() ? ((uint)a, (uint)b) : (a, b);
        (long c, long d) = op.Is32() ? ((int)a, (int)b) : ((long)a, (long)b);
        return op.As64() switch
        {
            BpfOp.Jeq64 => a == b,
            BpfOp.Jne64 => a != b,
            BpfOp.Jset64 => (a & b) != 0,
            BpfOp.Jgt64 => a > b,
            BpfOp.Jge64 => a >= b,
            BpfOp.Jlt64 => a < b,
            BpfOp.Jle64 => a <= b,
            BpfOp.Jsgt64 => c > d,
            BpfOp.Jsge64 => c >= d,
            BpfOp.Jslt64 => c < d,
            _ => c <= d,
        };
    }
}
