using Allot.Bpf.Tests.Support;
using Allot.Maps;

namespace Allot.Bpf.Tests.Issues;

/// <summary>A run that fails discards the records it has reserved before it lets go of the maps that it found in maps:
/// nobody else may have the ring by then, and its pages go with it. Here a helper takes the ring out of the outer map;
/// another thread of the host may do the same at any time. In the other order this ends the process.</summary>
public sealed class InnerRingTests
{
    private const int Lookup = 1, TailCall = 12, Reserve = 131, Discard = 133, Forget = 5000;

    // A program that was not verified may call another one while it has the record.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public unsafe void A_failed_run_whose_ring_nobody_else_has_discards_its_records(bool callsNext)
    {
        MemoryGroup group = new MemoryController().Root;
        var shape = new MapDefinition { Name = "ring", Type = MapType.RingBuffer, Capacity = 1 << 16 };
        GroupMap ring = GroupMap.Create(group, shape);
        using var outer = (ArrayOfMaps)GroupMap.Create(group, new MapDefinition
        {
            Name = "outer",
            Type = MapType.ArrayOfMaps,
            KeyBytes = 4,
            ValueBytes = 4,
            Capacity = 1,
            InnerMap = shape,
        });
        Assert.Equal(0, outer.Put(0, ring));
        var forget = new BpfHelper(Forget, "forget", (_, _, _, _, _, _) =>
        {
            int index = 0;
            ring.Dispose();
            return (ulong)outer.Delete((byte*)&index);
        });
        Asm code = new Asm().Number(BpfOp.Store32, 10, 0, -4)
            .Map(1, 0).Copy(2, 10).Number(BpfOp.Add64, 2, -4).Call(Lookup).If(BpfOp.Jeq64, 0, 0, "end")
            .Copy(1, 0).Move(2, 64).Move(3, 0).Call(Reserve).If(BpfOp.Jeq64, 0, 0, "end")
            .Copy(6, 0).Call(Forget);
        if (callsNext) code.Map(2, 1).Move(3, 0).Call(TailCall);
        byte[] program = code.Move(7, 100_000)
            .Label("again").Number(BpfOp.Sub64, 7, 1).If(BpfOp.Jne64, 7, 0, "again")
            .Copy(1, 6).Move(2, 0).Call(Discard).Label("end").Move(0, 0).Exit().Bytes();
        using BpfProgramArray programs = ProgramArrays.Create(group);
        var options = new BpfProgramOptions
        {
            Maps = [outer, programs],
            Helpers = [forget],
            InstructionBudget = 1000,
            Verification = callsNext ? BpfVerification.Structure : BpfVerification.Full,
        };
        using BpfProgram loaded = BpfProgram.Load(group, program, options);
        byte[] loops = new Asm().Move(7, 100_000).Label("again").Number(BpfOp.Sub64, 7, 1)
            .If(BpfOp.Jne64, 7, 0, "again").Move(0, 0).Exit().Bytes();
        using BpfProgram next = BpfProgram.Load(group, loops);
        if (callsNext) programs.Set(0, next);
        Assert.False(loaded.TryRun([], out _, out BpfFault fault));
        Assert.Equal(BpfFaultKind.OutOfBudget, fault.Kind);
    }
}
