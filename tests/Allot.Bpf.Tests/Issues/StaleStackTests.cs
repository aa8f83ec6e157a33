using Allot.Bpf.Tests.Support;
using Allot.Maps;

namespace Allot.Bpf.Tests.Issues;

/// <summary>What <c>dynptr_read</c> has refused to write counts as written: a verified program reads what an earlier
/// run, or the program before it in a tail call, has left in the stack, addresses of the host among it.</summary>
public sealed class StaleStackTests
{
    private const int FromMemory = 197, Read = 201;

    [Fact]
    public void Nothing_of_an_earlier_run_is_read()
    {
        MemoryGroup group = new MemoryController().Root;
        using GroupMap array = GroupMap.Create(
            group, new MapDefinition { Name = "a", Type = MapType.Array, KeyBytes = 4, ValueBytes = 8, Capacity = 1 });
        const int NoFlags = 77;
        byte[] program = new Asm().Move(0, 0).Register(BpfOp.Load8, 6, 1).If(BpfOp.Jeq64, 6, 0, "reads")
            .Register(BpfOp.Store64, 10, 10, -8).Jump("end")
            .Label("reads").MapValue(1, 0, 0).Move(2, 8).Move(3, NoFlags).Copy(4, 10).Number(BpfOp.Add64, 4, -32)
            .Call(FromMemory).Copy(1, 10).Number(BpfOp.Add64, 1, -8).Move(2, 8).Copy(3, 10).Number(BpfOp.Add64, 3, -32)
            .Move(4, 0).Move(5, 0).Call(Read).Register(BpfOp.Load64, 0, 10, -8)
            .Label("end").Exit().Bytes();
        using BpfProgram loaded = BpfProgram.Load(
            group, program, new BpfProgramOptions { Maps = [array], MemoryBytesMin = 1 });
        loaded.Run([1]);
        Assert.Equal(0ul, loaded.Run([0]));
    }
}
