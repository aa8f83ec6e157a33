using Allot.Bpf.Tests.Support;
using Allot.Maps;

namespace Allot.Bpf.Tests.Issues;

/// <summary>A slice of a dynamic pointer may begin anywhere, so an atomic operation on it is not known to be aligned.
/// </summary>
public sealed class MisalignedSliceTests
{
    private const int FromMemory = 197, Data = 203;

    [Fact]
    public void A_verified_program_does_not_fail_at_an_address_that_is_not_aligned()
    {
        MemoryGroup group = new MemoryController().Root;
        using GroupMap array = GroupMap.Create(
            group, new MapDefinition { Name = "a", Type = MapType.Array, KeyBytes = 4, ValueBytes = 24, Capacity = 1 });
        byte[] program = new Asm().MapValue(1, 0, 0).Move(2, 24).Move(3, 0).Copy(4, 10).Number(BpfOp.Add64, 4, -16)
            .Call(FromMemory).Copy(1, 10).Number(BpfOp.Add64, 1, -16).Move(2, 1).Move(3, 8).Call(Data)
            .If(BpfOp.Jeq64, 0, 0, "end").Move(1, 1).Register(BpfOp.AtomicAdd64, 0, 1).Label("end").Move(0, 0).Exit()
            .Bytes();
        BpfFault fault = default;
        try
        {
            using BpfProgram loaded = BpfProgram.Load(group, program, new BpfProgramOptions { Maps = [array] });
            loaded.TryRun([], out _, out fault);
        }
        catch (BpfRefusedException)
        {
        }

        Assert.Equal(BpfFaultKind.None, fault.Kind);
    }
}
