using Allot.Bpf.Tests.Support;
using Allot.Maps;

namespace Allot.Bpf.Tests.Instructions;

/// <summary>Calls through a register are calls of the helper whose number it holds: known when the program is loaded, or
/// found by the run of a program that is not verified.</summary>
public sealed class CallRegisterTests
{
    private const byte CallRegister = 0x8d;

    private static readonly BpfHelper s_sum = new(900, "sum", static (_, a, b, c, _, _) => a + (2 * b) + (3 * c))
    {
        Arguments = [BpfArgument.Number, BpfArgument.Number, BpfArgument.Number],
    };

    private static readonly BpfHelper s_seven = new(-7, "seven", static (_, _, _, _, _, _) => 7);

    public static TheoryData<BpfVerification> Verifications =>
        [BpfVerification.Full, BpfVerification.Structure];

    // The register is the destination, or, as clang before version 19 has it, the immediate.
    [Theory]
    [InlineData(6, 0)]
    [InlineData(0, 6)]
    public void Both_encodings_call_the_helper_that_the_register_names(int destination, int immediate)
    {
        byte[] program = Sum(6).Raw(CallRegister, destination, immediate: immediate).Exit().Bytes();
        foreach (BpfVerification verification in (BpfVerification[])[BpfVerification.Full, BpfVerification.Structure])
        {
            Assert.Equal(321ul, Engines.Run(program, [], Options(verification)).Result);
        }

        Assert.Contains("callx r6\n", BpfDisassembler.Disassemble(program));
    }

    [Theory, MemberData(nameof(Verifications))]
    public void Any_register_may_hold_the_number(BpfVerification verification)
    {
        for (int register = 0; register < 10; register++)
        {
            byte[] program = new Asm().Move(register, -7).Raw(CallRegister, register).Exit().Bytes();
            Assert.Equal(7ul, Engines.Run(program, [], Options(verification)).Result);
        }
    }

    [Theory, MemberData(nameof(Verifications))]
    public void Each_path_may_call_another_helper(BpfVerification verification)
    {
        byte[] program = new Asm().Copy(7, 2).Move(1, 1).Move(2, 10).Move(3, 100).Move(6, 900).If(BpfOp.Jeq64, 7, 0, "call")
            .Move(6, -7).Label("call").Raw(CallRegister, 6).Exit().Bytes();
        Assert.Equal(321ul, Engines.Run(program, [], Options(verification)).Result);
        Assert.Equal(7ul, Engines.Run(program, [1], Options(verification)).Result);
    }

    [Fact]
    public void The_verifier_knows_the_helper_as_if_it_was_called_by_its_number()
    {
        MapDefinition hash = new() { Name = "users", Type = MapType.Hash, KeyBytes = 8, ValueBytes = 8, Capacity = 4 };
        Asm lookup = new Asm().Number(BpfOp.Store64, 10, 3, -8).Map(1, 0).Copy(2, 10).Number(BpfOp.Add64, 2, -8).Move(6, 1)
            .Raw(CallRegister, 6);
        Assert.Contains(
            "r0: is the address of a value of a map, or 0",
            Refusal(lookup.Register(BpfOp.Load64, 0, 0).Exit(), hash),
            StringComparison.Ordinal);
        Assert.Contains("r1: is read, and nothing was written", Refusal(Sum(6)
            .Raw(CallRegister, 6).Copy(0, 1).Exit()), StringComparison.Ordinal);
        Assert.Contains("r1: is a number; map_lookup_elem needs a map there", Refusal(new Asm().Move(1, 0).Move(6, 1)
            .Raw(CallRegister, 6).Exit()), StringComparison.Ordinal);

        using GroupMap users = GroupMap.Create(new MemoryController().Root, hash);
        byte[] asks = new Asm().Number(BpfOp.Store64, 10, 3, -8).Map(1, 0).Copy(2, 10).Number(BpfOp.Add64, 2, -8).Move(6, 1)
            .Raw(CallRegister, 6).If(BpfOp.Jeq64, 0, 0, "end").Register(BpfOp.Load64, 0, 0).Label("end").Exit().Bytes();
        var options = new BpfProgramOptions { Maps = [users] };
        Assert.Equal(0ul, Engines.Run(asks, [], options).Result);
        using (var typed = new HashMap<long, long>((HashMap)users))
        {
            typed.TrySet(3, 33);
            Assert.Equal(33ul, Engines.Run(asks, [], options).Result);
        }
    }

    [Fact]
    public void What_is_no_constant_number_of_a_helper_is_refused()
    {
        Assert.Equal(
            "instruction 0 (callx r4), r4: is read, and nothing was written to it on this path",
            Refusal(new Asm().Raw(CallRegister, 4).Exit()));
        Assert.Equal(
            "instruction 0 (callx r10), r10: is an address in the stack; a call through a register needs a constant "
                + "there, the number of a helper",
            Refusal(new Asm().Raw(CallRegister, 10).Exit()));
        Assert.Equal(
            "instruction 0 (callx r2), r2: is a number; a call through a register needs a constant there, the number "
                + "of a helper",
            Refusal(new Asm().Raw(CallRegister, 2).Exit()));
        Assert.Equal(
            "instruction 1 (callx r3), r3: is 77777; there is no helper of that number",
            Refusal(new Asm().Move(3, 77777).Raw(CallRegister, immediate: 3).Exit()));
        Assert.Equal(
            "instruction 2 (callx r3), r3: is 4294967301; there is no helper of that number",
            Refusal(new Asm().Constant(3, (1ul << 32) + 5).Raw(CallRegister, 3).Exit()));
        Assert.Contains(
            "is a function; a call through a register needs a constant",
            Refusal(new Asm().Function(3, "f").Raw(CallRegister, 3).Exit().Label("f").Move(0, 0).Exit()),
            StringComparison.Ordinal);
        Assert.Contains(
            "r6: is 181, the number of loop; a helper that calls functions of the program is called by its number",
            Refusal(new Asm().Move(1, 1).Function(2, "f").Move(3, 0).Move(4, 0).Move(6, 181).Raw(CallRegister, 6).Exit()
                .Label("f").Move(0, 0).Exit()),
            StringComparison.Ordinal);
    }

    // The first path leaves a state behind in which the number was another one.
    [Fact]
    public void A_path_that_comes_with_another_number_is_not_taken_for_proven()
    {
        Asm program = new Asm().Move(6, -7).If(BpfOp.Jeq64, 2, 0, "call").Move(6, 77777).Label("call").Move(3, 0)
            .Label("again").If(BpfOp.Jeq64, 3, 1, "go").Label("go").Raw(CallRegister, 6).Exit();
        Assert.Contains("r6: is 77777; there is no helper", Refusal(program), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0ul)]
    [InlineData(77777ul)]
    [InlineData((1ul << 32) + 900)]
    [InlineData(ulong.MaxValue)]
    public void A_run_that_was_not_verified_ends_where_there_is_no_such_helper(ulong number)
    {
        byte[] program = new Asm().Constant(6, number).Raw(CallRegister, 6).Move(0, 1).Exit().Bytes();
        foreach (BpfEngine engine in Engines.All)
        {
            BpfProgramOptions options = Options(BpfVerification.Structure);
            options.Engine = engine;
            var tree = new MemoryController();
            using BpfProgram loaded = BpfProgram.Load(tree.Root, program, options);
            Assert.False(loaded.TryRun([], out ulong result, out BpfFault fault));
            Assert.Equal((0ul, new BpfFault(BpfFaultKind.NoSuchHelper, 2, number, 0)), (result, fault));
            Assert.Equal($"instruction 2: there is no helper {(long)number}", fault.ToString());
        }
    }

    // Where the number is one at which registers are addresses, too.
    [Fact]
    public void Addresses_are_numbers_of_no_helper()
    {
        foreach (BpfEngine engine in Engines.All)
        {
            foreach (int register in (int[])[1, 2, 10])
            {
                BpfProgramOptions options = Options(BpfVerification.Structure);
                options.Engine = engine;
                using BpfProgram loaded = BpfProgram.Load(
                    new MemoryController().Root, new Asm().Raw(CallRegister, register).Exit().Bytes(), options);
                loaded.TryRun(new byte[900_001], out _, out BpfFault fault);
                Assert.Equal(BpfFaultKind.NoSuchHelper, fault.Kind);
            }
        }
    }

    // As for every call, r6 to r9 stay, and the budget goes on.
    [Theory, MemberData(nameof(Verifications))]
    public void Loops_of_calls_count(BpfVerification verification)
    {
        byte[] program = new Asm().Move(6, -7).Move(7, 0).Move(8, 0).Label("again").Raw(CallRegister, 6)
            .Register(BpfOp.Add64, 7, 0).Number(BpfOp.Add64, 8, 1).If(BpfOp.Jlt64, 8, 100, "again").Copy(0, 7).Exit().Bytes();
        Assert.Equal(700ul, Engines.Run(program, [], Options(verification)).Result);
        foreach (BpfEngine engine in Engines.All)
        {
            BpfProgramOptions options = Options(verification);
            (options.Engine, options.InstructionBudget) = (engine, 300);
            using BpfProgram loaded = BpfProgram.Load(new MemoryController().Root, program, options);
            loaded.TryRun([], out _, out BpfFault fault);
            Assert.Equal(BpfFaultKind.OutOfBudget, fault.Kind);
        }
    }

    [Theory, MemberData(nameof(Verifications))]
    public void A_tail_call_goes_on_in_the_other_program(BpfVerification verification)
    {
        const int TailCall = 12;
        MemoryGroup group = new MemoryController().Root;
        using BpfProgramArray programs = ProgramArrays.Create(group);
        using BpfProgram next = BpfProgram.Load(group, new Asm().Move(0, 42).Exit().Bytes());
        programs.Set(0, next);
        byte[] program = new Asm().Map(2, 0).Move(3, 0).Move(6, TailCall).Raw(CallRegister, 6).Move(0, 1).Exit().Bytes();
        foreach (BpfEngine engine in Engines.All)
        {
            BpfProgramOptions options = Options(verification);
            (options.Engine, options.Maps) = (engine, [programs]);
            using BpfProgram loaded = BpfProgram.Load(group, program, options);
            Assert.Equal(42ul, loaded.Run([]));
        }
    }

    // A value of megabytes costs budget, which the engine must hand over to the helper.
    [Theory, MemberData(nameof(Verifications))]
    public void What_a_helper_takes_from_the_budget_is_taken(BpfVerification verification)
    {
        const int ValueBytes = 1 << 20;
        MemoryGroup group = new MemoryController().Root;
        using GroupMap values = GroupMap.Create(
            group, new MapDefinition { Name = "values", Type = MapType.Array, KeyBytes = 4, ValueBytes = ValueBytes, Capacity = 1 });
        byte[] program = new Asm().Number(BpfOp.Store64, 10, 0, -8).Map(1, 0).Copy(2, 10).Number(BpfOp.Add64, 2, -8)
            .MapValue(3, 0, 0).Move(4, 0).Move(6, 2).Raw(CallRegister, 6).Move(0, 0).Exit().Bytes();
        foreach (BpfEngine engine in Engines.All)
        {
            foreach ((long budget, BpfFaultKind kind) in ((long, BpfFaultKind)[])
                [(1000, BpfFaultKind.OutOfBudget), (ValueBytes, BpfFaultKind.None)])
            {
                BpfProgramOptions options = Options(verification);
                (options.Engine, options.Maps, options.InstructionBudget) = (engine, [values], budget);
                using BpfProgram loaded = BpfProgram.Load(group, program, options);
                loaded.TryRun([], out _, out BpfFault fault);
                Assert.Equal(kind, fault.Kind);
            }
        }
    }

    // r1 to r3 are 1, 10 and 100: the sum is 1 + 20 + 300.
    private static Asm Sum(int register) => new Asm().Move(1, 1).Move(2, 10).Move(3, 100).Move(register, 900);

    private static BpfProgramOptions Options(BpfVerification verification) =>
        new() { Verification = verification, Helpers = [s_sum, s_seven] };

    private static string Refusal(Asm program, params MapDefinition[] maps)
    {
        MemoryGroup group = new MemoryController().Root;
        GroupMap[] made = [.. maps.Select(map => GroupMap.Create(group, map))];
        BpfProgramOptions options = Options(BpfVerification.Full);
        options.Maps = made;
        string message = Assert.Throws<BpfRefusedException>(() => BpfProgram.Load(group, program.Bytes(), options)).Message;
        foreach (GroupMap map in made) map.Dispose();
        return message;
    }
}
