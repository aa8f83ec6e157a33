using Allot.Bpf.Tests.Support;

namespace Allot.Bpf.Tests.Issues;

/// <summary>The ways that the verifier leaves for later are copies of all it knows, some 10 KB each, and a program has
/// as many as jumps. Linux refuses more than 8,192; here nobody pays for them.</summary>
public sealed class OpenPathsTests
{
    private const int Jumps = 10_000, Random = 7;
    private const long BytesOfOneAtLeast = 1000;   // 11 registers of some 100 bytes

    [Fact]
    public void Ways_that_are_left_for_later_are_charged_or_too_many()
    {
        Asm program = new Asm().Number(BpfOp.Store64, 10, 0, -8).Call(Random);
        for (int each = 0; each < Jumps; each++) program.If(BpfOp.Jeq64, 0, each, "end");
        byte[] bytes = program.Label("end").Move(0, 0).Exit().Bytes();
        MemoryGroup group = new MemoryController().Root;
        try
        {
            BpfProgram.Load(group, bytes, new BpfProgramOptions { Engine = BpfEngine.Interpreter }).Dispose();
        }
        catch (BpfRefusedException)
        {
            return;
        }

        Assert.InRange(group.Memory.PeakBytes, Jumps * BytesOfOneAtLeast, long.MaxValue);
    }
}
