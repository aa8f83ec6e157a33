using Allot.Processes.Native;
using Allot.Processes.Seccomp;

namespace Allot.Processes.Tests.Seccomp;

public sealed class SeccompFilterTests
{
    private static readonly ulong[] s_interesting =
        [0, 1, 2, 3, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x100000001, 0x7fffffffffffffff, ulong.MaxValue];

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 40)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Program_agrees_with_the_conditions(int seed)
    {
        var random = new Random(seed);
        SyscallTable table = seed % 2 == 0 ? SyscallTable.X64 : SyscallTable.Arm64;
        FilterRule[] rules = [.. Enumerable.Range(0, random.Next(0, 60)).Select(_ => RandomRule(random))];
        SeccompFilter filter = SeccompFilter.Create(table, rules);

        for (int step = 0; step < 20_000; step++)
        {
            int number = random.Next(-1, 52);
            ulong[] arguments = [.. Enumerable.Range(0, 6).Select(_ => RandomValue(random))];
            byte[] data = BpfInterpreter.Data(number, table.AuditArchitecture, arguments);

            uint result = BpfInterpreter.Run(filter.Instructions, data, out bool readAnArgument);

            // -1 has the x32 bit too; as a call it does not exist anyway.
            bool foreign = number == -1 && table == SyscallTable.X64;
            bool hasRule = rules.Any(rule => rule.SyscallNumber == number);
            bool matches = rules.Any(rule => rule.SyscallNumber == number && Matches(rule.Condition, arguments));
            uint expected = foreign ? SeccompFilter.FailWithNoSuchCall
                : matches ? SeccompFilter.Notify
                : SeccompFilter.Allow;
            Assert.True(expected == result, $"{number}({string.Join(", ", arguments)}): {result:x} for {expected:x}");
            Assert.True(hasRule || !readAnArgument, "A call without a rule is decided by its number alone.");
        }
    }

    [Theory]
    [InlineData(0x40000003u, 0)] // i386 on an x86-64 kernel
    [InlineData(0xC00000B7u, 0)] // another machine
    [InlineData(0xC000003Eu, 0x40000000)] // x32 has the same architecture and a bit in the number
    public void Another_ABI_fails_closed(uint architecture, int numberBit)
    {
        SeccompFilter filter = SeccompFilter.Create(SyscallTable.X64, [new FilterRule(9)]);
        foreach (int number in new[] { 0, 9, 39, 400 })
        {
            byte[] data = BpfInterpreter.Data(number | numberBit, architecture, new ulong[6]);
            Assert.Equal(SeccompFilter.FailWithNoSuchCall, BpfInterpreter.Run(filter.Instructions, data, out _));
        }
    }

    [Fact]
    public void No_rules_allow_everything()
    {
        SeccompFilter filter = SeccompFilter.Create(SyscallTable.Arm64, []);
        byte[] data = BpfInterpreter.Data(34, SyscallTable.Arm64.AuditArchitecture, new ulong[6]);
        Assert.Equal(SeccompFilter.Allow, BpfInterpreter.Run(filter.Instructions, data, out _));
    }

    [Fact]
    public void Jumps_over_more_than_255_instructions_arrive()
    {
        ulong[] many = [.. Enumerable.Range(0, 300).Select(static i => (ulong)i * 7)];
        FilterRule[] rules =
        [
            .. Enumerable.Range(0, 3).Select(i => new FilterRule(
                i, FilterCondition.And(FilterCondition.OneOf(1, many), FilterCondition.Greater(2, 3)))),
        ];
        SeccompFilter filter = SeccompFilter.Create(SyscallTable.X64, rules);
        Assert.True(filter.Instructions.Length > 1_000);

        for (ulong value = 0; value < 2_200; value++)
        {
            ulong[] arguments = [0, value, value % 3, 1, 0, 0];
            for (int number = 0; number < 4; number++)
            {
                byte[] data = BpfInterpreter.Data(number, SyscallTable.X64.AuditArchitecture, arguments);
                bool matches = number < 3 && Matches(rules[number].Condition, arguments);
                Assert.Equal(
                    matches ? SeccompFilter.Notify : SeccompFilter.Allow,
                    BpfInterpreter.Run(filter.Instructions, data, out _));
            }
        }
    }

    [Fact]
    public void A_program_too_long_for_the_kernel_is_refused_here()
    {
        ulong[] many = [.. Enumerable.Range(0, 3_000).Select(static i => (ulong)i)];
        var e = Assert.Throws<InvalidOperationException>(
            () => SeccompFilter.Create(SyscallTable.X64, [new FilterRule(1, FilterCondition.OneOf(0, many))]));
        Assert.Contains("4096", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Conditions_that_make_no_sense_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => FilterCondition.AnyBit(6, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => FilterCondition.Greater(-1, 0));
        Assert.Throws<ArgumentException>(() => FilterCondition.MaskedEqual(0, 1, 2));
        Assert.Throws<ArgumentException>(() => FilterCondition.EqualTo(0, 1UL << 40));
    }

    private static FilterRule RandomRule(Random random) => new(random.Next(0, 50), RandomCondition(random, depth: 0));

    private static FilterCondition RandomCondition(Random random, int depth)
    {
        int argument = random.Next(6);
        ArgumentWidth width = random.Next(2) == 0 ? ArgumentWidth.Low32 : ArgumentWidth.Full64;
        ulong Value() => width == ArgumentWidth.Low32 ? (uint)RandomValue(random) : RandomValue(random);
        FilterCondition[] Some() =>
            [.. Enumerable.Range(0, random.Next(4)).Select(_ => RandomCondition(random, depth + 1))];
        switch (random.Next(depth < 3 ? 8 : 5))
        {
            case 0: return FilterCondition.AnyBit(argument, RandomValue(random));
            case 1: return FilterCondition.EqualTo(argument, Value(), width);
            case 2: return FilterCondition.OneOf(argument, [Value(), Value(), Value()], width);
            case 3: return FilterCondition.Greater(argument, random.Next(6));
            case 4:
                ulong mask = RandomValue(random);
                return FilterCondition.MaskedEqual(argument, mask, RandomValue(random) & mask);
            case 5: return FilterCondition.And(Some());
            case 6: return FilterCondition.Or(Some());
            default: return FilterCondition.Always;
        }
    }

    private static ulong RandomValue(Random random) => random.Next(4) switch
    {
        0 => (ulong)random.Next(5),
        1 => 1UL << random.Next(64),
        2 => (ulong)random.NextInt64(),
        _ => s_interesting[random.Next(s_interesting.Length)],
    };

    private static bool Matches(FilterCondition condition, ulong[] arguments) => condition switch
    {
        FilterCondition.AnyBitOf bits => (arguments[bits.Argument] & bits.Mask) != 0,
        FilterCondition.MaskEquals equals => (arguments[equals.Argument] & equals.Mask) == equals.Value,
        FilterCondition.GreaterThan greater => arguments[greater.Left] > arguments[greater.Right],
        FilterCondition.All all => all.Conditions.All(c => Matches(c, arguments)),
        FilterCondition.Any any => any.Conditions.Any(c => Matches(c, arguments)),
        _ => throw new InvalidOperationException($"{condition}"),
    };
}
