using Allot.Bpf.Tests.Support;
using Allot.Maps;

namespace Allot.Bpf.Tests.Programs;

/// <summary>Whatever a program goes round in, it ends within its budget, in both engines after the same steps. Steps are
/// counted by a helper of the host.</summary>
public sealed class BudgetTests
{
    private const int Budget = 1_000;
    private const int Step = 9_001;

    private int _steps;

    [Fact]
    public void Calls_in_a_loop() => AssertEnds(
        new Asm().Label("again").CallLocal("step").Jump("again").Label("step").Call(Step).Exit());

    [Fact]
    public void Functions_that_go_round_in_functions() => AssertEnds(new Asm()
        .Label("again").CallLocal("outer").Jump("again")
        .Label("outer").CallLocal("inner").Jump("outer")
        .Label("inner").Call(Step).If(BpfOp.Jne64, 0, 0, "inner").Exit());

    [Fact]
    public void A_jump_to_itself() => AssertEnds(new Asm().Call(Step).Label("here").Jump("here"));

    [Fact]
    public void A_tree_of_calls_that_is_too_wide()
    {
        var program = new Asm().CallLocal("f1").Exit();
        for (int depth = 1; depth <= 7; depth++)
        {
            program.Label($"f{depth}").Call(Step);
            for (int call = 0; call < 8 && depth < 7; call++) program.CallLocal($"f{depth + 1}");
            program.Exit();
        }

        AssertEnds(program);
    }

    [Fact]
    public void Functions_that_call_themselves_end_at_their_depth()
    {
        byte[] program = new Asm().Label("again").Call(Step).CallLocal("again").Exit().Bytes();
        foreach (BpfEngine engine in Engines.All)
        {
            _steps = 0;
            using BpfProgram loaded = Load(new MemoryController().Root, program, engine);
            Assert.False(loaded.TryRun([], out _, out BpfFault fault));
            Assert.Equal((BpfFaultKind.CallTooDeep, 8), (fault.Kind, _steps));
        }
    }

    [Theory]
    [InlineData(5, 34)]     // as many programs as there may be, and the last goes on behind its call
    [InlineData(60, 0)]     // the budget is that of the whole chain
    public unsafe void Tail_calls_share_one_budget(int rounds, int programs)
    {
        byte[] program = new Asm().Copy(6, 1).Move(7, 0).Label("again").Call(Step).Number(BpfOp.Add64, 7, 1)
            .If(BpfOp.Jlt64, 7, rounds, "again").Copy(1, 6).Map(2, 0).Move(3, 0).Call(12).Move(0, 77).Exit().Bytes();
        int key = 0;
        foreach (BpfEngine engine in Engines.All)
        {
            _steps = 0;
            MemoryGroup group = new MemoryController().Root;
            using BpfProgramArray map = ProgramArrays.Create(group);
            using BpfProgram loaded = Load(group, program, engine, map);
            map.Set(0, loaded);
            bool hasRun = loaded.TryRun([], out ulong result, out BpfFault fault);
            if (programs > 0) Assert.Equal((true, 77ul, rounds * programs), (hasRun, result, _steps));
            else Assert.Equal((false, BpfFaultKind.OutOfBudget), (hasRun, fault.Kind));
            Assert.InRange(_steps, 1, Budget);
            Assert.Equal(0, map.Delete((byte*)&key));
        }
    }

    private void AssertEnds(Asm program)
    {
        byte[] bytes = program.Bytes();
        var seen = new List<(BpfFault Fault, int Steps)>();
        foreach (BpfEngine engine in Engines.All)
        {
            _steps = 0;
            using BpfProgram loaded = Load(new MemoryController().Root, bytes, engine);
            Assert.False(loaded.TryRun([], out _, out BpfFault fault));
            Assert.Equal(BpfFaultKind.OutOfBudget, fault.Kind);
            Assert.InRange(_steps, 1, Budget);
            seen.Add((fault, _steps));
        }

        Assert.Equal(seen[0], seen[1]);
    }

    private BpfProgram Load(MemoryGroup group, byte[] program, BpfEngine engine, params GroupMap[] maps) =>
        BpfProgram.Load(group, program, new BpfProgramOptions
        {
            Verification = BpfVerification.Structure,
            Engine = engine,
            InstructionBudget = Budget,
            Maps = maps,
            Helpers = [new BpfHelper(Step, "step", (_, _, _, _, _, _) => (ulong)++_steps)],
        });
}
