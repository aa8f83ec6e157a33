using Allot.Bpf.Tests.Support;

namespace Allot.Bpf.Tests.Verification;

/// <summary>Loops that end when half of the budget is used up.</summary>
public sealed class MayGotoTests
{
    private static readonly Asm s_endless = new Asm().Move(0, 0).Label("loop").MayGoto("end").Number(BpfOp.Add64, 0, 1)
        .Jump("loop").Label("end").Exit();

    [Fact]
    public void A_loop_without_an_end_is_accepted_and_ends_after_half_of_the_budget()
    {
        var options = new BpfProgramOptions { InstructionBudget = 60_000 };
        Assert.Equal(10_000ul, Engines.Run(s_endless.Bytes(), options: options).Result, 2.0);
        AssertKernel(isAccepted: true, s_endless.Bytes());
    }

    [Fact]
    public void Without_it_the_loop_is_refused() => AssertRefused(
        new Asm().Move(0, 0).Label("loop").If(BpfOp.Jeq64, 0, 1, "end").Jump("loop").Label("end").Exit());

    [Fact]
    public void A_number_that_grows_in_the_loop_is_no_place() => AssertRefused(
        new Asm().Move(0, 0).Number(BpfOp.Store64, 10, 0, -8).Move(6, 0).Label("loop").MayGoto("end").Copy(2, 10)
            .Number(BpfOp.Add64, 2, -8).Register(BpfOp.Add64, 2, 6).Number(BpfOp.Store8, 2, 1).Number(BpfOp.Add64, 6, 1)
            .Jump("loop").Label("end").Exit());

    [Fact]
    public void A_number_that_is_compared_is_one()
    {
        byte[] program = new Asm().Move(0, 0).Number(BpfOp.Store64, 10, 0, -8).Move(6, 0).Label("loop").MayGoto("end")
            .If(BpfOp.Jge64, 6, 8, "again").Copy(2, 10).Number(BpfOp.Add64, 2, -8).Register(BpfOp.Add64, 2, 6)
            .Number(BpfOp.Store8, 2, 1).Number(BpfOp.Add64, 6, 1).Jump("loop").Label("again").Move(6, 0).Jump("loop")
            .Label("end").Register(BpfOp.Load64, 0, 10, -8).Exit().Bytes();
        var options = new BpfProgramOptions { InstructionBudget = 10_000 };
        Assert.Equal(0x0101010101010101ul, Engines.Run(program, options: options).Result);
    }

    [Fact]
    public void What_is_used_after_the_loop_is_known_of_all_rounds() => AssertRefused(
        new Asm().Number(BpfOp.Store64, 10, 0, -8).Move(6, 0).Label("loop").MayGoto("end").Number(BpfOp.Add64, 6, 1)
            .Jump("loop").Label("end").Copy(2, 10).Number(BpfOp.Add64, 2, -8).Register(BpfOp.Add64, 2, 6)
            .Register(BpfOp.Load8, 0, 2).Exit());

    [Fact]
    public void Loops_may_be_in_loops()
    {
        byte[] program = new Asm().Move(0, 0).Move(7, 0).Label("outer").MayGoto("end").Move(6, 0).Label("inner").MayGoto("out")
            .Number(BpfOp.Add64, 6, 1).Number(BpfOp.Add64, 0, 1).If(BpfOp.Jne64, 6, 10, "inner").Label("out")
            .Number(BpfOp.Add64, 7, 1).Jump("outer").Label("end").Exit().Bytes();
        var options = new BpfProgramOptions { InstructionBudget = 10_000 };
        Assert.InRange(Engines.Run(program, options: options).Result, 1_000ul, 5_000ul);
        AssertKernel(isAccepted: true, program);
    }

    [Fact]
    public void A_loop_inside_that_does_not_go_through_it_must_still_end() => AssertRefused(
        new Asm().Move(0, 0).MayGoto("end").Label("loop").If(BpfOp.Jeq64, 0, 1, "end").Jump("loop").Label("end").Exit());

    private static void AssertRefused(Asm asm)
    {
        Assert.Throws<BpfRefusedException>(() => BpfProgram.Load(new MemoryController().Root, asm.Bytes()));
        AssertKernel(isAccepted: false, asm.Bytes());
    }

    private static void AssertKernel(bool isAccepted, byte[] program)
    {
        if (KernelBpf.Reason is not null) return;
        using KernelProgram? loaded = KernelProgram.TryLoad(program, [], out string log);
        Assert.True(loaded is not null == isAccepted, log);
    }
}
