using Allot.Bpf.Tests.Fuzz;
using Allot.Bpf.Tests.Support;
using Allot.Testing;

namespace Allot.Bpf.Tests.Compilation;

/// <summary>What the compiler knows of places in the memory of a run changes no result and no fault.</summary>
public sealed class MemoryFlowTests
{
    [Fact]
    public void Places_that_are_known_are_checked_to_the_byte()
    {
        foreach (BpfOp op in (BpfOp[])[BpfOp.Load8, BpfOp.Load16, BpfOp.Load32, BpfOp.Load64])
        {
            for (int offset = -9; offset < 10; offset++)
            {
                AssertSame(new Asm().Register(op, 0, 1, offset).Exit().Bytes());
                AssertSame(new Asm().Copy(3, 1).Number(BpfOp.Add64, 3, offset).Register(op, 0, 3, 1).Exit().Bytes());
                AssertSame(new Asm().Move(4, offset).Copy(3, 1).Register(BpfOp.Add64, 3, 4).Register(op, 0, 3, 2).Exit().Bytes());
                AssertSame(new Asm().If(BpfOp.Jge64, 2, offset, "long").Move(0, 1).Exit()
                    .Label("long").Register(op, 0, 1, 3).Exit().Bytes());
            }
        }
    }

    [Fact]
    public void A_length_that_only_one_of_two_ways_knows_is_not_known_where_they_meet() =>
        AssertSame(new Asm().Move(0, 0).If(BpfOp.Jgt64, 2, 4, "meet").Label("meet").Register(BpfOp.Load8, 0, 1, 4).Exit().Bytes());

    [Fact]
    public void A_place_ends_when_its_register_changes() =>
        AssertSame(new Asm().Move(4, 1).Copy(3, 1).Register(BpfOp.Add64, 3, 4).Move(4, 7).Register(BpfOp.Load8, 0, 3).Exit().Bytes());

    [Fact]
    public void Functions_that_call_the_first_one_know_nothing() =>
        AssertSame(new Asm().Register(BpfOp.Load8, 0, 1, 2).IfRegister(BpfOp.Jgt64, 0, 3, "end").Move(3, 500).Copy(1, 10)
            .Number(BpfOp.Add64, 1, -8).Raw(0x85, source: 1, immediate: -6).Label("end").Exit().Bytes());

    [Fact]
    public void Random_ones_are_the_same_in_both_engines()
    {
        for (ulong seed = 1; seed <= 1_500; seed++)
        {
            byte[] program = Random(new Prng(seed));
            try
            {
                AssertSame(program);
            }
            catch (Exception failure)
            {
                Assert.Fail($"seed {seed}: {failure.Message}\n{BpfDisassembler.Disassemble(program)}");
            }
        }
    }

    // With every length, in memory that ends where the page does.
    private static void AssertSame(byte[] program)
    {
        using var memory = new GuardedMemory();
        foreach (BpfVerification verification in (BpfVerification[])[BpfVerification.Structure, BpfVerification.Full])
        {
            MemoryGroup group = new MemoryController().Root;
            var options = new BpfProgramOptions { Verification = verification, InstructionBudget = 1_000, VerificationBudget = 4_000 };
            BpfProgram[] loaded;
            try
            {
                loaded = [.. Engines.All.Select(engine =>
                {
                    options.Engine = engine;
                    return BpfProgram.Load(group, program, options);
                })];
            }
            catch (BpfRefusedException)
            {
                continue;
            }

            for (int length = 0; length <= 20; length++)
            {
                var all = loaded.Select(one =>
                {
                    memory.Put(Enumerable.Range(1, length).Select(n => (byte)n).ToArray(), atEnd: true);
                    bool hasRun = one.TryRun(memory.Held, out ulong result, out BpfFault fault);
                    return (hasRun, hasRun ? result : 0, fault, Convert.ToHexString(memory.Held));
                }).ToArray();
                Assert.Equal(all[0], all[1]);
                Assert.True(verification == BpfVerification.Structure || all[0].fault.Kind is BpfFaultKind.None or BpfFaultKind.OutOfBudget);
            }

            foreach (BpfProgram one in loaded) one.Dispose();
        }
    }

    // Addresses never get to r0 or into memory, so they make no difference.
    private static byte[] Random(Prng random)
    {
        var asm = new Asm().Move(0, 0);
        for (int register = 3; register < 10; register++)
        {
            if (random.OneIn(2)) asm.Copy(register, random.Below(3));
            else asm.Move(register, random.Below(12));
        }

        int labels = 0;
        var open = new List<string>();
        for (int count = 4 + random.Below(24); count > 0; count--)
        {
            int one = 1 + random.Below(9), other = 1 + random.Below(9);
            switch (random.Below(9))
            {
                case 0: asm.Copy(one, other); break;
                case 1: asm.Number(BpfOp.Add64, one, random.Below(12) - 4); break;
                case 2: asm.Register(BpfOp.Add64, one, other); break;
                case 3: asm.Move(one, random.Below(12)); break;
                case 4: asm.Register(BpfOp.Load8.Plus(random.Below(4)), 0, one, random.Below(12) - 3); break;
                case 5: asm.Number(BpfOp.Store8.Plus(random.Below(4)), one, 7, random.Below(12) - 3); break;
                case 6:
                    BpfOp compare = random.Pick([BpfOp.Jge64, BpfOp.Jlt64, BpfOp.Jgt64, BpfOp.Jle64, BpfOp.Jeq64, BpfOp.Jne32, BpfOp.Jslt64]);
                    open.Add($"ahead{labels++}");
                    asm.If(compare, random.OneIn(2) ? 2 : one, random.Below(20), open[^1]);
                    break;
                case 7 when open.Count > 0:
                    asm.Label(open[0]);
                    open.RemoveAt(0);
                    break;
                default:
                    string back = $"back{labels++}";
                    asm.Label(back).Number(BpfOp.Add64, one, 1).Register(BpfOp.Load8, 0, other, 1).If(BpfOp.Jlt64, 2, 9, back);
                    break;
            }
        }

        foreach (string label in open) asm.Label(label);
        return asm.Exit().Bytes();
    }
}
