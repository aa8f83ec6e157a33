using Allot.Bpf.Tests.Support;

namespace Allot.Bpf.Tests.Verification;

/// <summary>Paths that meet are the same to what follows only if the numbers that matter there are. In each of these
/// programs the path that is followed first is harmless, and one that comes by later is not.</summary>
public sealed class PrecisionTests
{
    private const int Small = 8, Large = 600, Random = 7;

    [Fact]
    public void A_number_that_is_added_to_an_address_matters_where_paths_meet() =>
        AssertRefused(TwoNumbers(3).Register(BpfOp.Add64, 6, 3).Register(BpfOp.Load8, 0, 6).Exit());

    [Fact]
    public void So_does_one_that_it_was_computed_from() =>
        AssertRefused(TwoNumbers(3)
            .Copy(4, 3).Number(BpfOp.Lsh64, 4, 2).Move(5, 1).Register(BpfOp.Add64, 5, 4).Number(BpfOp.And64, 5, 0xfff)
            .Register(BpfOp.Add64, 6, 5).Register(BpfOp.Load8, 0, 6).Exit());

    [Fact]
    public void So_does_one_that_waits_in_the_stack() =>
        AssertRefused(TwoNumbers(3, spill: -16)
            .Move(3, 0).Register(BpfOp.Load64, 4, 10, -16).Register(BpfOp.Add64, 6, 4).Register(BpfOp.Load8, 0, 6).Exit());

    [Fact]
    public void So_does_a_part_of_it() =>
        AssertRefused(TwoNumbers(3, spill: -16)
            .Move(3, 0).Register(BpfOp.Load16, 4, 10, -16).Register(BpfOp.Add64, 6, 4).Register(BpfOp.Load8, 0, 6).Exit());

    [Fact]
    public void So_does_one_that_goes_through_a_function() =>
        AssertRefused(TwoNumbers(1)
            .CallLocal("same").Register(BpfOp.Add64, 6, 0).Register(BpfOp.Load8, 0, 6).Exit()
            .Label("same").Copy(6, 1).Move(1, 0).Copy(0, 6).Exit());

    [Fact]
    public void So_does_one_that_a_function_keeps_for_its_caller() =>
        AssertRefused(TwoNumbers(7)
            .CallLocal("other").Register(BpfOp.Add64, 6, 7).Register(BpfOp.Load8, 0, 6).Exit()
            .Label("other").Move(7, 0).Move(0, 0).Exit());

    [Fact]
    public void So_does_one_in_the_stack_of_the_caller_that_a_function_reads() =>
        AssertRefused(TwoNumbers(3, spill: -16)
            .Move(3, 0).Copy(1, 6).Copy(2, 10).CallLocal("reads").Exit()
            .Label("reads").Register(BpfOp.Load64, 3, 2, -16).Register(BpfOp.Add64, 1, 3).Register(BpfOp.Load8, 0, 1).Exit());

    [Fact]
    public void A_size_matters() =>
        AssertRefused(TwoNumbers(2).Copy(1, 10).Number(BpfOp.Add64, 1, -16).Number(BpfOp.Store64, 10, 0, -16)
            .Number(BpfOp.Store64, 10, 0, -8).Call(6).Move(0, 0).Exit());

    [Fact]
    public void A_number_that_decides_a_jump_matters() =>
        AssertRefused(TwoNumbers(3)
            .Move(0, 0).If(BpfOp.Jeq64, 3, Small, "end").Register(BpfOp.Load8, 0, 6, Large).Label("end").Exit());

    [Fact]
    public void That_two_registers_hold_the_same_matters_when_one_is_compared_and_the_other_used()
    {
        Asm program = new Asm().Copy(6, 1).Call(Random).Copy(7, 0).Call(Random).Copy(3, 0)
            .If(BpfOp.Jeq64, 7, 1, "other").Copy(4, 3).Jump("meet")
            .Label("other").Move(4, 0)
            .Label("meet").Move(0, 0).If(BpfOp.Jgt64, 4, Small, "end")
            .Register(BpfOp.Add64, 6, 3).Register(BpfOp.Load8, 0, 6).Label("end").Exit();
        AssertRefused(program);
    }

    // Also when the copy that is compared waits in the stack.
    [Fact]
    public void That_the_stack_holds_the_same_as_a_register_matters_too()
    {
        Asm program = new Asm().Copy(6, 1).Call(Random).Copy(7, 0).Call(Random).Copy(3, 0)
            .If(BpfOp.Jeq64, 7, 1, "other").Copy(4, 3).Register(BpfOp.Store64, 10, 4, -8).Jump("meet")
            .Label("other").Copy(4, 3).Number(BpfOp.Store64, 10, Large, -8)
            .Label("meet").Move(0, 0).If(BpfOp.Jgt64, 3, Small, "end")
            .Register(BpfOp.Load64, 5, 10, -8).Register(BpfOp.Add64, 6, 5).Register(BpfOp.Load8, 0, 6).Label("end").Exit();
        AssertRefused(program);
    }

    [Fact]
    public void What_matters_to_a_path_that_was_cut_short_matters_before_it()
    {
        Asm program = new Asm().Copy(6, 1).Call(Random).Copy(7, 0).Call(Random).Copy(8, 0)
            .If(BpfOp.Jeq64, 7, 1, "second").Move(3, 0).Jump("last")
            .Label("second").If(BpfOp.Jeq64, 8, 1, "third").Move(3, 0).Jump("first")
            .Label("third").Move(3, Large)
            .Label("first").Move(5, 0)
            .Label("last").Register(BpfOp.Add64, 6, 3).Register(BpfOp.Load8, 0, 6).Exit();
        AssertRefused(program);
    }

    [Fact]
    public void A_number_that_nothing_depends_on_does_not_keep_paths_apart()
    {
        // 20 times: r3 = r3 * 2 or r3 * 2 + 1. There are a million values, and nobody asks.
        var program = new Asm().Copy(6, 1).Move(3, 0);
        for (int bit = 0; bit < 20; bit++)
        {
            program.Number(BpfOp.Lsh64, 3, 1).Register(BpfOp.Load8, 0, 6, 4).If(BpfOp.Jeq64, 0, bit, $"skip{bit}")
                .Number(BpfOp.Add64, 3, 1).Label($"skip{bit}");
        }

        program.Copy(0, 3).Exit();
        Assert.InRange(Verify(program).VisitedInstructions, 80, 300);
    }

    [Fact]
    public void A_loop_with_a_choice_in_it_takes_as_long_as_its_rounds()
    {
        Asm program = new Asm().Copy(6, 1).Move(3, 0).Move(4, 0)
            .Label("again").Register(BpfOp.Load8, 0, 6, 4).If(BpfOp.Jeq64, 0, 9, "skip").Register(BpfOp.Add64, 3, 0)
            .Label("skip").Number(BpfOp.Add64, 4, 1).If(BpfOp.Jlt64, 4, 1_000, "again").Copy(0, 3).Exit();
        Assert.InRange(Verify(program).VisitedInstructions, 5_000, 12_000);
    }

    // r6 is 64 bytes of memory; the register is Small on the path that is followed first, and Large on the other one.
    private static Asm TwoNumbers(int register, int? spill = null)
    {
        Asm program = new Asm().Copy(6, 1).Call(Random).Copy(8, 0)
            .If(BpfOp.Jeq64, 8, 1, "large").Move(register, Small);
        if (spill is { } first) program.Register(BpfOp.Store64, 10, register, first);
        program.Jump("meet").Label("large").Move(register, Large);
        if (spill is { } second) program.Register(BpfOp.Store64, 10, register, second);
        return program.Label("meet").Move(9, 0);
    }

    // Each addition says anew that r6 matters. Where no jump ends there are no states to compare, but a walk ends all the
    // same: otherwise the longest programs would be walked for hours.
    [Fact]
    public void Straight_code_is_not_walked_back_to_its_beginning_for_each_number()
    {
        const int Few = 1000, Times = 8, Random = 7;
        Assert.InRange(Walked(Few * Times), Few, 2 * Times * Walked(Few));

        static long Walked(int additions)
        {
            Asm program = new Asm().Call(Random).Number(BpfOp.And64, 0, 7).Copy(6, 0);
            for (int each = 0; each < additions; each++) program.Copy(2, 10).Register(BpfOp.Add64, 2, 6);
            return Verify(program.Move(0, 0).Exit()).StepsBack;
        }
    }

    private static void AssertRefused(Asm program) => Assert.Throws<BpfRefusedException>(() => Verify(program));

    private static VerifierResult Verify(Asm program) =>
        BpfVerifier.Verify(BpfDecoder.Decode(program.Bytes()), new VerifierInput
        {
            Maps = [],
            Helpers = LinkedProgram.HelpersOf(new BpfProgramOptions()),
            MemoryBytesMin = 64,
        });
}
