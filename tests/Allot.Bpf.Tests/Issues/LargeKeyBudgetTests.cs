using Allot.Bpf.Tests.Support;
using Allot.Maps;

namespace Allot.Bpf.Tests.Issues;

/// <summary>A helper that copies a value of more than 4 KiB takes from the budget for it. One that hashes and compares
/// a key of 4 MB does not: a budget of 80,000 instructions lasts for most of a minute, the default one for hours.
/// </summary>
public sealed class LargeKeyBudgetTests
{
    private const int KeyBytes = 4_000_000;
    private const long Budget = 1_000;

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_key_of_megabytes_costs_more_than_an_instruction(int helper)
    {
        MemoryGroup group = new MemoryController().Root;
        var definition = new MapDefinition { Name = "keys", Type = MapType.Array, KeyBytes = 4, Capacity = 1 };
        using GroupMap keys = GroupMap.Create(group, definition with { ValueBytes = KeyBytes });
        using GroupMap map = GroupMap.Create(
            group, definition with { Type = MapType.Hash, KeyBytes = KeyBytes, ValueBytes = 8 });
        byte[] program = new Asm().MapValue(2, 0, 0).Map(1, 1).Call(helper).Move(0, 0).Exit().Bytes();
        using BpfProgram loaded = BpfProgram.Load(
            group, program, new BpfProgramOptions { Maps = [keys, map], InstructionBudget = Budget });
        loaded.TryRun([], out _, out BpfFault fault);
        Assert.Equal(BpfFaultKind.OutOfBudget, fault.Kind);
    }

    [Theory]
    [InlineData(BpfEngine.Interpreter)]
    [InlineData(BpfEngine.Compiler)]
    public void A_record_of_megabytes_costs_more_than_an_instruction(BpfEngine engine)
    {
        const int Output = 130;
        MemoryGroup group = new MemoryController().Root;
        using GroupMap values = GroupMap.Create(group, new MapDefinition
        {
            Name = "values",
            Type = MapType.Array,
            KeyBytes = 4,
            ValueBytes = KeyBytes,
            Capacity = 1,
        });
        using GroupMap ring = GroupMap.Create(
            group, new MapDefinition { Name = "ring", Type = MapType.RingBuffer, Capacity = 8 << 20 });
        byte[] program = new Asm().Map(1, 1).MapValue(2, 0, 0).Move(3, KeyBytes).Move(4, 0).Call(Output).Move(0, 0)
            .Exit().Bytes();
        using BpfProgram loaded = BpfProgram.Load(
            group,
            program,
            new BpfProgramOptions { Maps = [values, ring], InstructionBudget = Budget, Engine = engine });
        loaded.TryRun([], out _, out BpfFault fault);
        Assert.Equal(BpfFaultKind.OutOfBudget, fault.Kind);
    }
}
