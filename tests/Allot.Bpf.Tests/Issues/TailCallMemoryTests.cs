using Allot.Bpf.Tests.Support;

namespace Allot.Bpf.Tests.Issues;

/// <summary>A program that was verified for a memory of 64 bytes is run by a tail call with 8, and reads beyond them.
/// </summary>
public sealed class TailCallMemoryTests
{
    private const int TailCall = 12;

    [Fact]
    public void A_program_that_needs_more_memory_than_the_run_has_is_not_entered()
    {
        MemoryGroup group = new MemoryController().Root;
        using BpfProgramArray map = ProgramArrays.Create(group);
        byte[] reads = new Asm().Register(BpfOp.Load64, 0, 1, 56).Exit().Bytes();
        using BpfProgram second = BpfProgram.Load(group, reads, new BpfProgramOptions { MemoryBytesMin = 64 });
        map.Set(0, second);
        byte[] calls = new Asm().Map(2, 0).Move(3, 0).Call(TailCall).Move(0, 1).Exit().Bytes();
        using BpfProgram first = BpfProgram.Load(group, calls, new BpfProgramOptions { Maps = [map] });
        first.TryRun(new byte[8], out _, out BpfFault fault);
        Assert.NotEqual(BpfFaultKind.OutOfBounds, fault.Kind);
    }
}
