using Allot.Bpf.Tests.Support;

namespace Allot.Bpf.Tests.Issues;

/// <summary>A number that the length of the memory is compared with says how long the memory is. So it matters where
/// paths meet: here the path that comes second has found out that there is 1 byte, and reads byte 15.</summary>
public sealed class LengthComparedTests
{
    private const int Random = 7;

    [Fact]
    public void What_the_length_is_compared_with_matters_where_paths_meet()
    {
        byte[] program = new Asm().Copy(6, 1).Copy(7, 2).Call(Random).Move(3, 1)
            .If(BpfOp.Jset64, 0, 1, "meet").Move(3, 16)
            .Label("meet").Move(0, 0).IfRegister(BpfOp.Jlt64, 7, 3, "end").Register(BpfOp.Load64, 0, 6, 8)
            .Label("end").Exit().Bytes();
        Assert.Throws<BpfRefusedException>(() => BpfProgram.Load(new MemoryController().Root, program).Dispose());
    }
}
