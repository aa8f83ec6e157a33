using System.Globalization;
using Allot.Bpf.Tests.Support;

namespace Allot.Bpf.Tests.Instructions;

/// <summary>Every operation with the operands where implementations differ, in every engine and in the kernel.</summary>
public sealed class OperationTests
{
    private const ulong Junk = 0xdeadbeefcafef00d;

    public static TheoryData<string> Binary => Rows(OperationCases.Binary);

    public static TheoryData<string> Unary => Rows(OperationCases.Unary);

    public static TheoryData<string> Extensions => Rows(OperationCases.Extensions);

    public static TheoryData<string> Jumps => Rows(OperationCases.Jumps);

    public static TheoryData<string> Atomics => Rows(OperationCases.Atomics);

    [Theory, MemberData(nameof(Binary))]
    public void Arithmetic_with_two_operands(string row) => CheckResult(row, BinaryPrograms);

    [Theory, MemberData(nameof(Unary))]
    public void Arithmetic_with_one_operand(string row) => CheckResult(row, UnaryPrograms);

    [Theory, MemberData(nameof(Extensions))]
    public void Moves_that_extend_the_sign(string row) => CheckResult(row, ExtensionPrograms);

    [Theory, MemberData(nameof(Jumps))]
    public void Conditional_jumps(string row) => CheckResult(row, JumpPrograms);

    [Theory, MemberData(nameof(Atomics))]
    public void Atomic_operations(string row)
    {
        Case one = Case.Parse(row);
        byte[] memory = Engines.Run(AtomicProgram(one), new byte[16]).Memory;
        Assert.Equal(one.Results[0], BitConverter.ToUInt64(memory, 0));
        Assert.Equal(one.Results[1], BitConverter.ToUInt64(memory, 8));
    }

    [Fact]
    public void All_rows_hold_in_the_kernel_too()
    {
        KernelBpf.Require();
        AgreesWithKernel(OperationCases.Binary, BinaryPrograms);
        AgreesWithKernel(OperationCases.Unary, UnaryPrograms);
        AgreesWithKernel(OperationCases.Extensions, ExtensionPrograms);
        AgreesWithKernel(OperationCases.Jumps, JumpPrograms);
        AgreesWithKernel(OperationCases.Atomics, one => [AtomicProgram(one)]);
    }

    [Fact]
    public void Every_operation_of_the_table_has_rows_or_a_test_of_its_own()
    {
        string all = OperationCases.Binary + '\n' + OperationCases.Unary + '\n' + OperationCases.Extensions + '\n'
            + OperationCases.Jumps + '\n' + OperationCases.Atomics;
        HashSet<BpfOp> tested = [.. all.Split('\n').Select(row => Case.Parse(row).Op)];
        IEnumerable<BpfOp> others = Enum.GetValues<BpfOp>().Where(op =>
            !tested.Contains(op) && !op.IsLoad() && !op.IsStore() && !op.IsConstant()
            && op is not (BpfOp.None or BpfOp.Ja or BpfOp.CallHelper or BpfOp.CallRegister or BpfOp.CallLocal or BpfOp.Exit
                or BpfOp.MayGoto or BpfOp.CastToArena or BpfOp.CastFromArena or BpfOp.Arena));
        Assert.Empty(others);
    }

    private static void CheckResult(string row, Func<Case, IEnumerable<byte[]>> programs)
    {
        Case one = Case.Parse(row);
        Assert.All(programs(one), program => Assert.Equal(one.Results[0], Engines.Run(program, new byte[16]).Result));
    }

    private static void AgreesWithKernel(string rows, Func<Case, IEnumerable<byte[]>> programs)
    {
        foreach (string row in rows.Split('\n'))
        {
            Case one = Case.Parse(row);
            foreach (byte[] program in programs(one))
            {
                byte[] memory = new byte[16];
                bool isRefused = !KernelBpf.TryRun(program, memory, out _, out string log);
                Assert.False(isRefused, $"{row}\n{BpfDisassembler.Disassemble(program)}{log}");
                Assert.Equal((row, one.Results[0]), (row, BitConverter.ToUInt64(memory, 0)));
                if (one.Results.Length > 1) Assert.Equal((row, one.Results[1]), (row, BitConverter.ToUInt64(memory, 8)));
            }
        }
    }

    // With a register, and with a number where the operand is one. The result is in r0 and in the memory.
    private static IEnumerable<byte[]> BinaryPrograms(Case one)
    {
        yield return Finish(new Asm()
            .Constant(2, one.Operands[0])
            .Constant(3, one.Operands[1])
            .Register(one.Op, 2, 3));

        // The kernel refuses constants that never make sense; there they are taken from registers.
        if (one.Operands[1] != (ulong)(int)one.Operands[1]) yield break;
        int number = (int)one.Operands[1];
        bool isDivision = one.Op is >= BpfOp.Div64 and <= BpfOp.SMod32;
        bool isShift = one.Op is >= BpfOp.Lsh64 and <= BpfOp.Arsh32;
        if ((isDivision && number == 0) || (isShift && (uint)number >= (one.Op.Is32() ? 32u : 64u))) yield break;
        yield return Finish(new Asm().Constant(2, one.Operands[0]).Number(one.Op, 2, number));
    }

    private static IEnumerable<byte[]> UnaryPrograms(Case one) =>
        [Finish(new Asm().Constant(2, one.Operands[0]).One(one.Op, 2))];

    private static IEnumerable<byte[]> ExtensionPrograms(Case one) =>
    [
        Finish(new Asm().Constant(2, Junk).Constant(3, one.Operands[0]).Register(one.Op, 2, 3)),
        Finish(new Asm().Constant(2, one.Operands[0]).Register(one.Op, 2, 2)),
    ];

    private static IEnumerable<byte[]> JumpPrograms(Case one)
    {
        Asm register = new Asm().Constant(4, one.Operands[0]).Constant(3, one.Operands[1]).Move(2, 1);
        yield return Finish(register.IfRegister(one.Op, 4, 3, "taken").Move(2, 0).Label("taken"));
        if (one.Operands[1] != (ulong)(int)one.Operands[1]) yield break;
        Asm number = new Asm().Constant(4, one.Operands[0]).Move(2, 1);
        yield return Finish(number.If(one.Op, 4, (int)one.Operands[1], "taken").Move(2, 0).Label("taken"));
    }

    // On the stack, which the kernel allows; then what is there and in the register goes into the memory.
    private static byte[] AtomicProgram(Case one)
    {
        bool compares = one.Op.As64() == BpfOp.CompareExchange64;
        return new Asm()
            .Constant(2, one.Operands[0])
            .Register(BpfOp.Store64, 10, 2, -8)
            .Constant(3, one.Operands[1])
            .Constant(0, one.Operands[2])
            .Register(one.Op, 10, 3, -8)
            .Register(BpfOp.Load64, 2, 10, -8)
            .Register(BpfOp.Store64, 1, 2, 0)
            .Register(BpfOp.Store64, 1, compares ? 0 : 3, 8)
            .Move(0, 0)
            .Exit()
            .Bytes();
    }

    private static byte[] Finish(Asm program) =>
        program.Register(BpfOp.Store64, 1, 2, 0).Copy(0, 2).Exit().Bytes();

    private static TheoryData<string> Rows(string rows) => [.. rows.Split('\n')];

    private sealed record Case(BpfOp Op, ulong[] Operands, ulong[] Results)
    {
        public static Case Parse(string row)
        {
            string[] sides = row.Split('=', StringSplitOptions.TrimEntries);
            string[] left = sides[0].Split(' ');
            return new Case(
                Enum.Parse<BpfOp>(left[0], ignoreCase: true),
                [.. left[1..].Select(Number)],
                [.. sides[1].Split(' ').Select(Number)]);
        }

        private static ulong Number(string text) => ulong.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }
}
