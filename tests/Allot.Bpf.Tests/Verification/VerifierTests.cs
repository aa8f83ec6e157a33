using Allot.Bpf.Tests.Support;
using Allot.Maps;

namespace Allot.Bpf.Tests.Verification;

/// <summary>What is accepted, and what is refused with which words.</summary>
public sealed class VerifierTests
{
    private static readonly MapDefinition s_array =
        new() { Name = "counts", Type = MapType.Array, KeyBytes = 4, ValueBytes = 16, Capacity = 4 };

    private static readonly MapDefinition s_constants = s_array with { Name = ".rodata", Capacity = 1, Flags = 0x80 };

    private static readonly MapDefinition s_hash =
        new() { Name = "users", Type = MapType.Hash, KeyBytes = 8, ValueBytes = 8, Capacity = 4 };

    [Fact]
    public void The_address_of_no_memory_is_not_zero_either()
    {
        byte[] program = new Asm().If(BpfOp.Jeq64, 1, 0, "zero").Move(0, 7).Exit().Label("zero").Number(BpfOp.Div64, 0, 3).Exit().Bytes();
        Assert.Equal(7ul, Engines.Run(program, [], new BpfProgramOptions()).Result);
    }

    [Fact]
    public void What_was_not_written_is_not_read()
    {
        AssertRefused(new Asm().Copy(0, 3).Exit(), 0, 3, "is read, and nothing was written to it on this path");
        AssertRefused(new Asm().Exit(), 0, 0, "is read, and nothing was written");
        AssertRefused(new Asm().Number(BpfOp.Add64, 5, 1).Move(0, 0).Exit(), 0, 5, "is read, and nothing was written");
        AssertRefused(
            new Asm().Register(BpfOp.Load64, 0, 10, -8).Exit(), 0, 10, "reads 8 bytes at -8 of the stack, where byte -8 was not written");
        AssertRefused(
            new Asm().Number(BpfOp.Store32, 10, 1, -8).Register(BpfOp.Load64, 0, 10, -8).Exit(), 1, 10, "where byte -4 was not written");
        AssertAccepted(new Asm().Number(BpfOp.Store64, 10, 1, -8).Register(BpfOp.Load32, 0, 10, -4).Exit());
    }

    [Fact]
    public void A_register_that_only_one_path_has_written_is_refused()
    {
        Asm program = new Asm().If(BpfOp.Jeq64, 2, 0, "end").Move(3, 1).Label("end").Copy(0, 3).Exit();
        AssertRefused(program, 2, 3, "nothing was written to it on this path");
    }

    [Fact]
    public void Accesses_stay_inside_of_the_stack()
    {
        AssertAccepted(new Asm().Number(BpfOp.Store64, 10, 0, -512).Move(0, 0).Exit());
        AssertRefused(new Asm().Number(BpfOp.Store64, 10, 0, -520).Move(0, 0).Exit(), 0, 10, "writes 8 bytes at -520 of the stack, which goes from -512 to 0");
        AssertRefused(new Asm().Number(BpfOp.Store64, 10, 0, -4).Move(0, 0).Exit(), 0, 10, "writes 8 bytes at -4 of the stack");
        AssertRefused(new Asm().Number(BpfOp.Store8, 10, 0).Move(0, 0).Exit(), 0, 10, "writes 1 bytes at 0 of the stack");
    }

    [Fact]
    public void Accesses_stay_inside_of_the_memory_that_is_known()
    {
        Asm load = new Asm().Register(BpfOp.Load32, 0, 1, 4).Exit();
        AssertRefused(load, 0, 1, "reads 4 bytes at 4 of the memory of the run, as far as is known, which goes from 0 to 0");
        AssertAccepted(load, memoryBytesMin: 8);
        Asm asks = new Asm().Move(0, 0).If(BpfOp.Jlt64, 2, 8, "end").Register(BpfOp.Load32, 0, 1, 4).Label("end").Exit();
        AssertAccepted(asks);
        Asm asksForLess = new Asm().Move(0, 0).If(BpfOp.Jlt64, 2, 7, "end").Register(BpfOp.Load32, 0, 1, 4).Label("end").Exit();
        AssertRefused(asksForLess, 2, 1, "which goes from 0 to 7");
    }

    [Fact]
    public void The_end_of_the_memory_can_be_compared_with()
    {
        Asm program = new Asm().Copy(3, 1).Register(BpfOp.Add64, 3, 2).Copy(4, 1).Number(BpfOp.Add64, 4, 16).Move(0, 0)
            .IfRegister(BpfOp.Jgt64, 4, 3, "end").Register(BpfOp.Load64, 0, 1, 8).Label("end").Exit();
        AssertAccepted(program);
        Asm reads = new Asm().Copy(3, 1).Register(BpfOp.Add64, 3, 2).Register(BpfOp.Load8, 0, 3).Exit();
        AssertRefused(reads, 2, 3, "is the end of the memory of the run, where nothing can be read or written");
    }

    [Fact]
    public void A_number_that_was_compared_may_be_added_to_an_address()
    {
        Asm Program(int limit) => new Asm().Move(0, 0).Register(BpfOp.Load32, 3, 1, 0)
            .If(BpfOp.Jge64, 3, limit, "end").Register(BpfOp.Add64, 1, 3).Register(BpfOp.Load8, 0, 1).Label("end").Exit();
        AssertAccepted(Program(16), memoryBytesMin: 16);
        AssertRefused(Program(17), 4, 1, "reads 1 bytes at 0 to 16", memoryBytesMin: 16);
        Asm noBound = new Asm().Register(BpfOp.Load64, 3, 1).Register(BpfOp.Add64, 1, 3).Register(BpfOp.Load8, 0, 1).Exit();
        AssertRefused(noBound, 2, 1, "plus a number without a bound", memoryBytesMin: 16);
        Asm signed = new Asm().Move(0, 0).Register(BpfOp.LoadSx32, 3, 1, 0).If(BpfOp.Jsgt64, 3, 8, "end")
            .Register(BpfOp.Add64, 1, 3).Register(BpfOp.Load8, 0, 1).Label("end").Exit();
        AssertRefused(signed, 4, 1, "plus a number without a bound", memoryBytesMin: 16);
        Asm masked = new Asm().Register(BpfOp.Load64, 3, 1).Number(BpfOp.And64, 3, 15).Register(BpfOp.Add64, 1, 3)
            .Register(BpfOp.Load8, 0, 1).Exit();
        AssertAccepted(masked, memoryBytesMin: 16);
    }

    [Fact]
    public void A_copy_is_bounded_with_its_original()
    {
        Asm program = new Asm().Move(0, 0).Register(BpfOp.Load32, 3, 1, 0).Copy(4, 3).If(BpfOp.Jgt32, 4, 7, "end")
            .Register(BpfOp.Add64, 1, 3).Register(BpfOp.Load64, 0, 1).Label("end").Exit();
        AssertAccepted(program, memoryBytesMin: 16);
    }

    [Fact]
    public void A_value_of_a_map_is_compared_with_0_first()
    {
        Asm Lookup() => new Asm().Number(BpfOp.Store32, 10, 1, -4).Copy(2, 10).Number(BpfOp.Add64, 2, -4).Map(1, 0).Call(1);
        AssertRefused(Lookup().Register(BpfOp.Load64, 0, 0).Exit(), 6, 0, "is the address of a value of a map, or 0: compare it with 0 before");
        AssertAccepted(Lookup().If(BpfOp.Jeq64, 0, 0, "end").Register(BpfOp.Load64, 0, 0, 8).Label("end").Exit());
        AssertRefused(
            Lookup().If(BpfOp.Jeq64, 0, 0, "end").Register(BpfOp.Load64, 0, 0, 9).Label("end").Exit(),
            7, 0, "reads 8 bytes at 9 of a value of 'counts', which goes from 0 to 16");
        AssertRefused(
            Lookup().If(BpfOp.Jne64, 0, 0, "end").Register(BpfOp.Load64, 0, 0).Label("end").Move(0, 0).Exit(),
            7, 0, "is a number and not an address");
        AssertRefused(Lookup().Exit(), 6, 0, "a program returns a number");
    }

    [Fact]
    public void Arguments_of_helpers_are_what_they_need()
    {
        AssertRefused(new Asm().Move(1, 0).Move(2, 0).Call(1).Exit(), 2, 1, "is a number; map_lookup_elem needs a map there");
        AssertRefused(new Asm().Map(1, 0).Move(2, 0).Call(1).Exit(), 3, 2, "is a number and not an address");
        AssertRefused(new Asm().Map(1, 0).Copy(2, 10).Number(BpfOp.Add64, 2, -4).Call(1).Exit(), 4, 2, "reads 4 bytes at -4 of the stack, where byte -4 was not written");
        AssertRefused(new Asm().Call(9999).Exit(), 0, null, "there is no helper 9999");
        AssertRefused(new Asm().Map(1, 7).Move(0, 0).Exit(), 0, null, "there is no map 7, of 3 that there are");
        Asm clobbered = new Asm().Move(3, 1).Call(5).Copy(0, 3).Exit();
        AssertRefused(clobbered, 2, 3, "nothing was written");
    }

    [Fact]
    public void Constants_of_the_program_are_not_written()
    {
        AssertAccepted(new Asm().MapValue(1, 1, 8).Register(BpfOp.Load64, 0, 1).Exit());
        AssertRefused(new Asm().MapValue(1, 1, 8).Number(BpfOp.Store64, 1, 1).Move(0, 0).Exit(), 2, 1, "writes to a value of '.rodata', which is read-only for programs");
        AssertRefused(new Asm().MapValue(1, 1, 16).Move(0, 0).Exit(), 0, null, "is byte 16 of a value of '.rodata', which has 16 bytes");
        AssertRefused(new Asm().MapValue(1, 2, 0).Move(0, 0).Exit(), 0, null, "only values of arrays have a constant address; 'users' is a Hash");
    }

    [Fact]
    public void Addresses_do_not_get_out()
    {
        AssertRefused(new Asm().Copy(0, 10).Exit(), 1, 0, "is an address in the stack; a program returns a number");
        AssertRefused(new Asm().Register(BpfOp.Store64, 1, 10).Move(0, 0).Exit(), 0, 10, "may be stored in the stack only, and whole", memoryBytesMin: 8);
        AssertRefused(new Asm().Register(BpfOp.Store64, 10, 1, -8).Register(BpfOp.Load32, 0, 10, -8).Exit(), 1, 10, "holds a part of an address");
        AssertAccepted(new Asm().Register(BpfOp.Store64, 10, 1, -8).Register(BpfOp.Load64, 3, 10, -8).Register(BpfOp.Load8, 0, 3).Exit(), memoryBytesMin: 1);
        AssertRefused(new Asm().Copy(0, 1).Number(BpfOp.Mul64, 0, 1).Exit(), 1, 0, "to which numbers can be added and nothing else be done");
        AssertRefused(new Asm().Copy(0, 1).Register(BpfOp.Mov32, 0, 1).Exit(), 1, 1, "to which numbers can be added");
    }

    [Fact]
    public void Loops_that_end_are_followed_and_others_refused()
    {
        Asm counted = new Asm().Move(0, 0).Label("loop").Number(BpfOp.Add64, 0, 1).If(BpfOp.Jlt64, 0, 1000, "loop").Exit();
        AssertAccepted(counted);
        AssertRefused(new Asm().Label("loop").Jump("loop"), 0, null, "the loop that begins here may not end");
        Asm random = new Asm().Label("loop").Call(7).If(BpfOp.Jne64, 0, 0, "loop").Exit();
        AssertRefused(random, 0, null, "the loop that begins here may not end");
        Asm unbounded = new Asm().Move(0, 0).Label("loop").Number(BpfOp.Add64, 0, 1).IfRegister(BpfOp.Jlt64, 0, 2, "loop").Exit();
        AssertRefused(unbounded, null, null, "the program is too complex");
    }

    [Fact]
    public void Many_branches_are_no_more_than_their_merges()
    {
        var program = new Asm().Register(BpfOp.Load64, 3, 1).Move(0, 0);
        for (int bit = 0; bit < 60; bit++)
        {
            program.Copy(4, 3).Number(BpfOp.Rsh64, 4, bit).If(BpfOp.Jset64, 4, 1, $"skip{bit}").Move(5, bit).Label($"skip{bit}");
        }

        VerifierResult result = Verify(program.Exit(), memoryBytesMin: 8);
        Assert.InRange(result.VisitedInstructions, 1, 10_000);
    }

    [Fact]
    public void Functions_are_followed_with_their_arguments()
    {
        Asm program = new Asm().CallLocal("function").Exit().Label("function").Register(BpfOp.Load64, 0, 1).Exit();
        AssertAccepted(program, memoryBytesMin: 8);
        AssertRefused(program, 2, 1, "reads 8 bytes at 0 of the memory");
        Asm callerStack = new Asm().Number(BpfOp.Store64, 10, 5, -8).Copy(1, 10).CallLocal("f").Exit()
            .Label("f").Register(BpfOp.Load64, 0, 1, -8).Exit();
        AssertAccepted(callerStack);
        Asm ownStack = new Asm().CallLocal("f").Move(0, 0).Exit().Label("f").Copy(0, 10).Exit();
        AssertRefused(ownStack, 4, 0, "is an address in the stack of the function that ends here");
        Asm endless = new Asm().CallLocal("f").Exit().Label("f").CallLocal("f").Exit();
        AssertRefused(endless, 2, null, "more than 8 functions call each other");
        Asm lost = new Asm().Move(6, 1).Move(3, 2).CallLocal("f").Copy(0, 3).Exit().Label("f").Move(0, 0).Exit();
        AssertRefused(lost, 3, 3, "nothing was written");
    }

    [Fact]
    public void What_never_makes_sense_is_refused()
    {
        AssertRefused(new Asm().Move(0, 1).Number(BpfOp.Div64, 0, 0).Exit(), 1, null, "divides by the constant 0");
        AssertRefused(new Asm().Move(0, 1).Number(BpfOp.Lsh64, 0, 64).Exit(), 1, null, "shifts by 64, of 0 to 63 that there are");
        AssertRefused(new Asm().Move(0, 1).Number(BpfOp.Rsh32, 0, 32).Exit(), 1, null, "shifts by 32, of 0 to 31 that there are");
        AssertRefused(new Asm().Move(0, 1).Exit().Move(0, 2).Exit(), 2, null, "cannot be reached");
    }

    [Fact]
    public void Atomic_operations_need_an_aligned_number_that_is_there()
    {
        AssertAccepted(new Asm().Number(BpfOp.Store64, 10, 0, -8).Move(0, 1).Register(BpfOp.FetchAdd64, 10, 0, -8).Exit());
        AssertRefused(new Asm().Move(0, 1).Register(BpfOp.AtomicAdd64, 10, 0, -8).Exit(), 1, 10, "was not written");
        AssertRefused(new Asm().Number(BpfOp.Store64, 10, 0, -8).Number(BpfOp.Store64, 10, 0, -16).Move(0, 1).Register(BpfOp.AtomicAdd64, 10, 0, -12).Exit(), 3, 10, "is not known to be a multiple of 8");
        AssertRefused(new Asm().Move(0, 1).Register(BpfOp.AtomicAdd64, 1, 0).Exit(), 1, 1, "atomic operations need one in the stack", memoryBytesMin: 8);
    }

    [Fact]
    public void What_is_reserved_is_given_back_on_every_path()
    {
        Asm Reserve() => new Asm().Move(1, 16).Call(1000).Copy(6, 0);
        AssertRefused(Reserve().Move(0, 0).Exit(), 4, null, "the memory that instruction 1 has reserved was not given back on this path, before the end");
        AssertAccepted(Reserve().If(BpfOp.Jeq64, 6, 0, "end").Number(BpfOp.Store64, 6, 1, 8).Copy(1, 6).Call(1001).Label("end").Move(0, 0).Exit());
        AssertRefused(
            Reserve().If(BpfOp.Jeq64, 6, 0, "end").Copy(1, 6).Call(1001).Number(BpfOp.Store64, 6, 1).Label("end").Move(0, 0).Exit(),
            6, 6, "nothing was written");
        AssertRefused(
            Reserve().If(BpfOp.Jeq64, 6, 0, "end").Number(BpfOp.Store64, 6, 1, 9).Copy(1, 6).Call(1001).Label("end").Move(0, 0).Exit(),
            4, 6, "writes 8 bytes at 9 of the reserved memory, which goes from 0 to 16");
        AssertRefused(Reserve().Copy(1, 6).Call(1001).Move(0, 0).Exit(), 4, 1, "needs the address of reserved memory there");
    }

    private static void AssertAccepted(Asm program, int memoryBytesMin = 0) => Verify(program, memoryBytesMin);

    private static void AssertRefused(Asm program, int? instruction, int? register, string reason, int memoryBytesMin = 0)
    {
        BpfRefusal refusal = Assert.Throws<BpfRefusedException>(() => Verify(program, memoryBytesMin)).Refusal;
        Assert.Contains(reason, refusal.Reason);
        if (instruction is not null) Assert.Equal((instruction, register), (refusal.Instruction, refusal.Register));
        Assert.NotEmpty(refusal.Text);
    }

    private static VerifierResult Verify(Asm program, int memoryBytesMin) =>
        BpfVerifier.Verify(BpfDecoder.Decode(program.Bytes()), new VerifierInput
        {
            Maps = [s_array, s_constants, s_hash],
            Helpers = LinkedProgram.HelpersOf(new BpfProgramOptions { Helpers = [s_reserve, s_giveBack] }),
            MemoryBytesMin = memoryBytesMin,
        });

    private static readonly BpfHelper s_reserve = new(1000, "reserve", static (_, _, _, _, _, _) => 0)
    {
        Arguments = [BpfArgument.BytesToReserve],
        Result = BpfResult.ReservedOrZero,
    };

    private static readonly BpfHelper s_giveBack = new(1001, "give_back", static (_, _, _, _, _, _) => 0)
    {
        Arguments = [BpfArgument.Reserved],
        Result = BpfResult.Nothing,
    };
}
