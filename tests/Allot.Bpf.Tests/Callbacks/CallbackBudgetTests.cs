using Allot.Bpf.Tests.Support;
using Allot.Maps;

namespace Allot.Bpf.Tests.Callbacks;

/// <summary>What helpers do for a program is part of its budget, in both engines alike.</summary>
public sealed class CallbackBudgetTests
{
    private readonly MemoryGroup _group = new MemoryController().Root;

    [Fact]
    public void Functions_that_helpers_call_are_paid_for()
    {
        Asm program = new Asm().Move(1, 1_000_000).Function(2, "f").Move(3, 0).Move(4, 0).Call(181).Exit()
            .Label("f").Copy(3, 2).Move(1, 1_000).Function(2, "g").Move(4, 0).Call(181).Move(0, 0).Exit()
            .Label("g").Move(0, 0).Exit();
        AssertOutOfBudget(program, [], budget: 1_000_000);
    }

    // Nothing is called, but looked at.
    [Fact]
    public void Empty_maps_are_paid_for()
    {
        using GroupMap map = GroupMap.Create(_group, new MapDefinition
        {
            Name = "empty",
            Type = MapType.Hash,
            KeyBytes = 8,
            ValueBytes = 8,
            Capacity = 100_000,
            Flags = MapFlags.NoPreallocation,
        });
        Asm program = new Asm().Move(6, 1_000).Label("again")
            .Map(1, 0).Function(2, "f").Move(3, 0).Move(4, 0).Call(164).Number(BpfOp.Sub64, 6, 1).If(BpfOp.Jne64, 6, 0, "again")
            .Move(0, 0).Exit().Label("f").Move(0, 0).Exit();
        AssertOutOfBudget(program, [map], budget: 1_000_000);
    }

    [Fact]
    public void Large_values_are_paid_for()
    {
        using GroupMap map = GroupMap.Create(_group, new MapDefinition
        {
            Name = "large",
            Type = MapType.Array,
            KeyBytes = 4,
            ValueBytes = 1 << 20,
            Capacity = 2,
        });
        Asm program = new Asm().Move(6, 1_000).Number(BpfOp.Store32, 10, 1, -4).Label("again")
            .MapValue(3, 0, 0).Copy(2, 10).Number(BpfOp.Add64, 2, -4).Move(4, 0).Map(1, 0).Call(2)
            .Number(BpfOp.Sub64, 6, 1).If(BpfOp.Jne64, 6, 0, "again").Move(0, 0).Exit();
        AssertOutOfBudget(program, [map], budget: 1_000_000);
        Asm copies = new Asm().MapValue(1, 0, 0).Move(2, 1 << 20).Move(3, 0).Copy(4, 10).Number(BpfOp.Add64, 4, -16).Call(197)
            .Move(6, 1_000).Label("again").MapValue(1, 0, 0).Move(2, 1 << 20).Copy(3, 10).Number(BpfOp.Add64, 3, -16).Move(4, 0)
            .Move(5, 0).Call(201).Number(BpfOp.Sub64, 6, 1).If(BpfOp.Jne64, 6, 0, "again").Move(0, 0).Exit();
        AssertOutOfBudget(copies, [map], budget: 1_000_000);
    }

    private void AssertOutOfBudget(Asm program, GroupMap[] maps, long budget)
    {
        BpfFault? first = null;
        foreach (BpfEngine engine in Engines.All)
        {
            using var loaded = BpfProgram.Load(_group, program.Bytes(), new BpfProgramOptions
            {
                Maps = maps,
                Engine = engine,
                InstructionBudget = budget,
            });
            Assert.False(loaded.TryRun([], out _, out BpfFault fault));
            Assert.Equal(BpfFaultKind.OutOfBudget, fault.Kind);
            Assert.Equal(first ??= fault, fault);
        }
    }
}
